"""Train several models on the same events, or on more and more of them, and compare what they reach."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import RecipeError
from ..files import write_json
from ..recipe import Recipe
from . import chain, cli

logger = logging.getLogger(__name__)


def compare(
    store: Path,
    run: Path,
    models: Sequence[str],
    recipe: str = "electron_photon",
    sizes: Sequence[int] = (),
    overrides: dict[str, Any] | None = None,
) -> None:
    """Train models one after the other, all else equal, and compare what they reach and what they cost.

    Each run is RUN/MODEL; RUN/benchmark.html has a table and figures of AUC against cost. With --sizes each
    is RUN/SIZE/MODEL; RUN/training_size.json and a figure have the AUC against the number of training events.

    Args:
        store: Folder of images that scripts/ingest.py wrote.
        run: Folder of the results.
        models: Names of models; the first is what the others are compared with.
        recipe: Name of a built-in recipe, or a YAML file.
        sizes: Numbers of training events to train every model on.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..recipe import load_recipe
    from ..store import open_store
    from .checks import check_study

    if min(sizes, default=1) < 1:
        raise RecipeError(f"--sizes has {min(sizes)}; give numbers of events, 1 or more")
    study = load_recipe(recipe, overrides)
    for name in models:
        check_study(_with_model(study, name), open_store(store).info.columns)
    if sizes:
        cli.say(compare_sizes(study, models, sizes, store, run))
    else:
        cli.say(compare_models(study, models, store, run))


def compare_models(recipe: Recipe, models: Sequence[str], store: Path, folder: Path) -> str:
    """Train models on the same events into FOLDER/MODEL; return their table, and paired tests with the first.

    Raises:
        RecipeError: torchrun started several processes.
        ParticleViTError: see `chain.train_and_evaluate`.
    """
    from ..deployment.export import export_run
    from ..evaluation.benchmark import benchmark_runs, table
    from ..evaluation.evaluate import compare_runs
    from ..inference.run import Run

    chain.refuse_torchrun("trains one model after the other")
    runs = [folder / name for name in models]
    for name, run in zip(models, runs, strict=True):
        logger.info("train %s", name)
        trained = Run(run)
        chain.train_and_evaluate(_with_model(recipe, name), store, trained)
        export_run(trained)
    lines = [table(benchmark_runs(runs, folder))]
    lines += [compare_runs(runs[0], other) for other in runs[1:]]
    return "\n".join([*lines, f"{folder / 'benchmark.html'}: table and figures"])


def compare_sizes(
    recipe: Recipe, models: Sequence[str], sizes: Sequence[int], store: Path, folder: Path
) -> str:
    """Train models on more and more events of one store into FOLDER/SIZE/MODEL; return the table.

    The AUCs are those of the test split, or of validation where there is none.

    Raises:
        RecipeError: torchrun started several processes.
        ParticleViTError: see `chain.train_and_evaluate`.
    """
    from ..evaluation.training_size import Point, draw_training_size, point, table
    from ..inference.run import Run
    from ..store import open_store

    chain.refuse_torchrun("trains one model after the other")
    events = open_store(store).events("train")
    found: dict[str, list[Point]] = {name: [] for name in models}
    for size in sorted({min(size, events) for size in sizes}):
        for name in models:
            logger.info("train %s on %d events", name, size)
            run = folder / str(size) / name
            limit = size if size < events else 0
            chain.train_and_evaluate(_with_limit(_with_model(recipe, name), limit), store, Run(run))
            found[name].append(point(size, run))
    content = {name: [point._asdict() for point in points] for name, points in found.items()}
    write_json(folder / "training_size.json", content)
    path = draw_training_size(folder / "plots" / "training_size.png", found, recipe.name)
    return f"{table(found)}\n{path}: figure"


def _with_model(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with another model, at that model's default options."""
    if name == recipe.model.name:
        return recipe
    return dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, name=name, options={}))


def _with_limit(recipe: Recipe, events: int) -> Recipe:
    """Return the recipe with at most `events` training events; 0 means all."""
    return dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, limit=events))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(compare, ("transforms", "model", "training", "evaluation"), arguments)
