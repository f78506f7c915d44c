"""Write the page and the model card of a run from what is in its folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from . import cli

logger = logging.getLogger(__name__)


def report(run: Path, card: Path | None = None, licence: str | None = None) -> None:
    """Write RUN/report.html, and of an exported run the model card.

    Both are made from the artefacts: what was not measured, they say. Nothing is computed anew.

    Args:
        run: Run folder, or a folder with model.json and the exported files, or NAME.json beside them.
        card: File of the card, such as data/models/NAME.md; by default MODEL_CARD.md beside the exports.
        licence: Licence of the model, such as Apache-2.0; by default what the export says.
    """
    from ..inference.run import Run
    from .model_card import check_place, write_card
    from .run_page import write_report

    if card is not None:  # before anything is written
        check_place(card)
    found = Run(run)
    trained = found.best_checkpoint.is_file()
    if trained:
        cli.say(str(write_report(found)))
    if trained and card is None and not found.manifest_file.is_file():
        logger.warning("%s: was not exported, so it has no model card; scripts/export.py writes one", run)
        return
    cli.say(str(write_card(found, card, licence)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(report, arguments=arguments)
