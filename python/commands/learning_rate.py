"""Look for a good learning rate, on the user's own store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import cli


def learning_rate(recipe: str, store: Path, overrides: dict[str, Any] | None = None) -> None:
    """Train for 100 steps at rising learning rates and say where the loss falls fastest.

    Args:
        recipe: Name of a built-in recipe, or a YAML file.
        store: Folder of images that scripts/ingest.py wrote.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..recipe import load_recipe
    from ..store import open_store
    from ..training.learning_rate import find_learning_rate
    from .checks import check_study

    study, events = load_recipe(recipe, overrides), open_store(store)
    check_study(study, events.info.columns)
    found = find_learning_rate(study, events)
    cli.say(f"the loss falls fastest at a learning rate of {found.suggestion:.2g}; use that or a little less")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(learning_rate, ("transforms", "model", "training"), arguments)
