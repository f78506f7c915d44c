"""Evaluate a trained run: AUC with its error, background rejection, figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import cli


def evaluate(
    run: Path,
    store: Path | None = None,
    output: Path | None = None,
    limit: int = 0,
    calibrate: bool = False,
    against: Sequence[Path] = (),
    label: str = "ParticleViT",
    pdf: bool = False,
) -> None:
    """Evaluate a trained run and write metrics.json, plots/*.png and report.html.

    Args:
        run: Run folder with a checkpoint.
        store: Store to evaluate on; by default the one of the training.
        output: Folder to write to; by default the run folder, or RUN/evaluations/STORE-ID-limit-N for another
            store or with --limit, so that nothing is replaced.
        limit: Most events per split; 0 means all, and at most 20,000 of the training split.
        calibrate: Fit a temperature on the validation split first; exports carry it from then on.
        against: Other run folders, for a paired test on the same events.
        label: Text above the figures on the left, such as CMS Simulation.
        pdf: Write a PDF beside the PNG of each figure.
    """
    from ..evaluation.evaluate import check_events, compare_runs, evaluate_run, table
    from ..inference.run import Run
    from ..report.figure import figure_style
    from .run_page import write_report

    trained = Run(run)
    others = [Run(other) for other in against]
    for other in others:
        _ = other.trained_network  # refused before anything is written
        check_events(trained, other, store)
    with figure_style(label, pdf):
        cli.say(table(evaluate_run(trained, store, output, limit, calibrate=calibrate)))
    for other in others:
        cli.say(compare_runs(trained, other, store, limit))
    cli.say(str(write_report(trained)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(evaluate, arguments=arguments)
