#!/usr/bin/env python3
"""Prove that the exports of a run give the answers of the trained network."""

from __future__ import annotations

from pathlib import Path

from RecoE2E.ParticleViT import cli


def validate(run: Path, store: Path | None = None, limit: int = 0) -> None:
    """Compare the exports of a run with its checkpoint on the test split: AUC, scores, latency.

    Exit code 1 where one of them is beyond the tolerances.

    Args:
        run: Run folder with an export; RUN/validation.json and report.html are written.
        store: Store whose test split is scored; by default the one of the training.
        limit: Most events to score; 0 means all.
    """
    from RecoE2E.ParticleViT.deployment.validate import table, validate_run
    from RecoE2E.ParticleViT.evaluation.run_report import write_report

    content = validate_run(run, store, limit)
    cli.say(table(content))
    write_report(run)
    if not content["passed"]:
        raise SystemExit(1)


if __name__ == "__main__":
    cli.run(validate)
