"""Make an ensemble of trained runs, and evaluate it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from . import chain, cli


def ensemble(
    runs: Sequence[Path], run: Path, mean: Literal["probabilities", "logits"] = "probabilities"
) -> None:
    """Make an ensemble of trained runs, and evaluate it; it is exported and validated like any other run.

    Args:
        runs: Run folders of its members.
        run: Folder of the ensemble.
        mean: What it averages.
    """
    from ..evaluation.evaluate import evaluate_run, table
    from ..training.ensemble import make_ensemble

    chain.refuse_torchrun("combines runs")
    make_ensemble(runs, run, mean)
    cli.say(table(evaluate_run(run)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(ensemble, arguments=arguments)
