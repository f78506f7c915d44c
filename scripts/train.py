#!/usr/bin/env python3
"""Train a network from a store; without a store, run the whole chain on simulated events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from RecoE2E.ParticleViT import cli
from RecoE2E.ParticleViT.errors import RecipeError


def train(
    recipe: str = "electron_photon",
    store: Path | None = None,
    run: Path | None = None,
    events: int = 60000,
    compare: str = "",
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
    """
    from RecoE2E.ParticleViT import chain
    from RecoE2E.ParticleViT.recipe import load_recipe

    study = load_recipe(recipe, overrides)
    folder = run or Path("runs") / study.name
    if compare:
        if store is None:
            raise RecipeError("--compare trains on a store; give --store, written by scripts/ingest.py")
        cli.say(chain.compare_models(study, compare.split(","), store, folder))
        return
    if store is not None:
        table = chain.train_and_evaluate(study, store, folder)
        if table:
            cli.say(table)
        return
    summary, passed = chain.run_chain(study, folder, events)
    cli.say(summary)
    if not passed:
        raise SystemExit(1)


if __name__ == "__main__":
    cli.run(train, sections=("model", "training", "evaluation"))
