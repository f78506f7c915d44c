"""Say how far single scores can be trusted: events unlike the training's, and the spread of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import cli

if TYPE_CHECKING:
    from ..evaluation.uncertainty import Uncertainty


def uncertainty(
    run: Path,
    false_alarms: float = 0.01,
    others: Sequence[Path] = (),
    output: Path | None = None,
    limit: int = 4000,
    label: str = "ParticleViT",
    pdf: bool = False,
) -> None:
    """Flag events unlike those of the training, and check the spread of an ensemble.

    An event is flagged where its features, the inputs of the network's last layer, are further from those
    of the training's classes than those of all but a fraction --false-alarms of the validation split. The
    flagged fraction is measured on the test split, on disturbed test events and on other stores. Of an
    ensemble of three or more, each member is compared with the others, and wrong decisions with the members'
    spread (predict --std and export --std give it for each event). Writes uncertainty.json, uncertainty.html
    and figures.

    Args:
        run: Run folder with a checkpoint; its store must be there.
        false_alarms: Fraction of ordinary events that may be flagged.
        others: Stores of other events with the same images; no labels are needed.
        output: Folder to write to; by default the run's.
        limit: Most events of the test split and of each other store.
        label: Text above the figures on the left, such as CMS Simulation.
        pdf: Write a PDF beside the PNG of each figure.
    """
    from ..errors import RunError
    from ..evaluation.uncertainty import assess, table
    from ..inference.run import Run
    from ..report.figure import figure_style

    if Run(run).is_description:
        raise RunError(f"{run}: describes an export; give the folder of the run, which has its checkpoint")
    folder = output or run
    with figure_style(label, pdf):
        found = assess(Run(run), folder, others, false_alarms, limit)
    cli.say(table(found))
    cli.say(f"{write_page(found, folder)}: figures and tables")


def write_page(found: Uncertainty, folder: Path) -> Path:
    """Write uncertainty.html and return its path."""
    from ..report.page import Page

    page, plots = Page(f"Uncertainty of {found.run}"), folder / "plots"
    page.heading("Events unlike those of the training")
    page.mapping(
        {
            "false alarms asked for, on validation": f"{found.asked:.2%}",
            "false alarms found, on test": f"{found.false_alarms.value:.2%} ± {found.false_alarms.error:.2%}",
            "test events": found.false_alarms.events,
        }
    )
    page.figure(plots / "uncertainty_distance.png", "Squared Mahalanobis distance from the nearest class")
    page.figure(
        plots / "uncertainty_flagged.png", "Flagged where a disturbance is flagged most, and of others"
    )
    rows = [
        (kind, strength, one) for kind, rates in found.disturbed.items() for strength, one in rates.items()
    ]
    rows += [(f"store {name}", "", one) for name, one in found.others.items()]
    cells = [(kind, strength, f"{one.value:.2%} ± {one.error:.2%}") for kind, strength, one in rows]
    page.table(("events", "strength", "flagged"), cells)
    if found.bins:
        page.heading(f"Spread of {found.members} members")
        page.table(
            ("standard deviations", "expected", "found"),
            [(one.sigmas, f"{one.expected:.1%}", f"{one.found:.1%}") for one in found.coverage],
        )
        page.text("How often a member lies within so many standard deviations of the mean of the others.")
        page.figure(plots / "uncertainty_spread.png", "Wrong decisions in tenths of the events")
    path = folder / "uncertainty.html"
    page.write(path)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(uncertainty, arguments=arguments)
