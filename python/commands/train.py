"""Train a network from a store; without a store, run the whole chain on simulated events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import RecipeError
from . import cli


def train(
    recipe: str = "electron_photon",
    store: Path | None = None,
    run: Path | None = None,
    events: int = 60000,
    compare: str = "",
    sizes: str = "",
    ensemble: str = "",
    mean: Literal["probabilities", "logits"] = "probabilities",
    overrides: dict[str, Any] | None = None,
) -> None:
    """Train a network and evaluate it on every split of the store.

    Without --store, the whole chain runs on simulated events: simulate, ingest, train, evaluate, export,
    validate. The same command continues what was stopped, at any moment.

    Args:
        recipe: Name of a built-in recipe, or a YAML file.
        store: Folder of images that scripts/ingest.py wrote.
        run: Folder of the results; by default runs/NAME of the recipe.
        events: Number of events to simulate where no store is given.
        compare: Models to train one after the other on the store, with commas between; the run folder gets
            one run for each, and a table and figures of AUC against cost.
        sizes: With --compare: numbers of training events, with commas between, to train every model on; the
            run folder gets the AUCs against the number of events instead.
        ensemble: Run folders, with commas between, to make an ensemble of, instead of training; the run
            folder is then evaluated, exported and validated like any other.
        mean: What an ensemble averages.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..inference.run import Run
    from ..recipe import load_recipe
    from . import chain

    study = load_recipe(recipe, overrides)
    folder = run or Path("runs") / study.name
    if ensemble:
        if run is None:
            raise RecipeError("--ensemble writes a new run; give --run")
        cli.say(chain.combine_runs([Path(word) for word in ensemble.split(",")], run, mean))
        return
    if sizes and not compare:
        raise RecipeError("--sizes trains the models of --compare; give --compare MODEL,MODEL")
    if compare:
        if store is None:
            raise RecipeError("--compare trains on a store; give --store, written by scripts/ingest.py")
        models = compare.split(",")
        if sizes:
            cli.say(chain.compare_sizes(study, models, cli.numbers("--sizes", sizes), store, folder))
        else:
            cli.say(chain.compare_models(study, models, store, folder))
        return
    if store is not None:
        table = chain.train_and_evaluate(study, store, Run(folder))
        if table:
            cli.say(table)
        return
    summary, passed = chain.run_chain(study, folder, events)
    cli.say(summary)
    if not passed:
        raise SystemExit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(train, sections=("transforms", "model", "training", "evaluation"), arguments=arguments)
