#!/usr/bin/env python3
"""Evaluate a trained run: AUC with its error, background rejection, figures."""

from __future__ import annotations

from pathlib import Path

from RecoE2E.ParticleViT import cli


def evaluate(run: Path, store: Path | None = None, output: Path | None = None, limit: int = 0) -> None:
    """Evaluate a trained run and write metrics.json and plots/*.png.

    Args:
        run: Run folder with a checkpoint.
        store: Store to evaluate on; by default the one of the training.
        output: Folder to write to; by default the run folder, or RUN/evaluations/NAME for another store.
        limit: Most events per split; 0 means all, and at most 20,000 of the training split.
    """
    from RecoE2E.ParticleViT.evaluation.evaluate import evaluate_run, table

    cli.say(table(evaluate_run(run, store, output, limit)))


if __name__ == "__main__":
    cli.run(evaluate)
