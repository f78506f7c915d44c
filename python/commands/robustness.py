"""Scan what noise, dead cells and other disturbances do to the AUC of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..run_folder import RunFolder
from . import cli


def robustness(
    runs: Sequence[Path],
    store: Path | None = None,
    output: Path | None = None,
    limit: int = 4000,
    label: str = "ParticleViT",
    pdf: bool = False,
) -> None:
    """Scan the AUC under noise, dead cells, masked patches, energy scale, time jitter and rotations.

    Writes robustness.json and a figure for each disturbance, with all runs in it.

    Args:
        runs: Run folders with a checkpoint.
        store: Store whose test split is disturbed; by default the one of the training.
        output: Folder to write to; by default the first run's, or its evaluations/STORE-ID for another store.
        limit: Most events.
        label: Text above the figures on the left, such as CMS Simulation.
        pdf: Write a PDF beside the PNG of each figure.
    """
    from ..evaluation.evaluate import evaluation_folder
    from ..evaluation.robustness import EVENTS, scan_runs, table
    from ..report.figure import figure_style
    from .run_page import write_report

    folder = evaluation_folder(RunFolder(runs[0]), store, output, 0 if limit == EVENTS else limit).path
    with figure_style(label, pdf):
        cli.say(table(scan_runs(runs, folder, store, limit)))
    cli.say(str(folder / "robustness.json"))
    if folder == runs[0]:
        cli.say(str(write_report(folder)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(robustness, arguments=arguments)
