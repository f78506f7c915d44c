"""Train a network from a store; without a store, run the whole chain on simulated events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import RecipeError
from . import cli

EVENTS = 60_000


def train(
    recipe: str = "electron_photon",
    store: Path | None = None,
    run: Path | None = None,
    events: int | None = None,
    start: Path | None = None,
    teacher: Path | None = None,
    overrides: dict[str, Any] | None = None,
) -> None:
    """Train a network and evaluate it on every split of the store.

    Without --store, the whole chain runs on simulated events: simulate, ingest, train, evaluate, export,
    validate. The same command continues what was stopped, at any moment.

    Args:
        recipe: Name of a built-in recipe, or a YAML file.
        store: Folder of images that scripts/ingest.py wrote.
        run: Folder of the results; by default runs/NAME of the recipe.
        events: Number of events to simulate where no store is given; 60,000 by default.
        start: Run folder of pretrain, or of another training, whose weights are the first ones.
        teacher: Run folder, also of an ensemble, whose probabilities are mixed into the labels.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..inference.run import Run
    from ..recipe import load_recipe
    from ..store import open_store
    from . import chain
    from .checks import check_study

    if store is not None and events is not None:
        raise RecipeError("--events are simulated where no store is given; leave out --events or --store")
    for key, folder in (("training.start", start), ("training.teacher", teacher)):
        if folder is not None:
            overrides = {**(overrides or {}), key: str(folder)}
    study = load_recipe(recipe, overrides)
    check_study(study, None if store is None else open_store(store).info.columns)
    folder = run or Path("runs") / study.name
    if store is not None:
        table = chain.train_and_evaluate(study, store, Run(folder))
        if table:
            cli.say(table)
        return
    summary, passed = chain.run_chain(study, folder, EVENTS if events is None else events)
    cli.say(summary)
    if not passed:
        raise SystemExit(cli.FAILED)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(train, ("image", "transforms", "model", "training", "evaluation"), arguments)
