"""Train several models on the same events, or on more and more of them, and compare what they reach."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..errors import RecipeError
from ..recipe import Recipe
from . import chain, cli
from .label_curve import Plan, compare_sizes, kinds_of

logger = logging.getLogger(__name__)


def compare(
    store: Path,
    run: Path,
    models: Sequence[str],
    recipe: str = "electron_photon",
    sizes: Sequence[int] = (),
    seeds: Sequence[int] = (),
    start: Path | None = None,
    steps: int = 0,
    overrides: dict[str, Any] | None = None,
) -> None:
    """Train models one after the other, all else equal, and compare what they reach and what they cost.

    Each run is RUN/MODEL; RUN/benchmark.html has a table and figures of AUC against cost. With --sizes each
    is RUN/SIZE/MODEL; RUN/training_size.json and a figure have the AUC against the number of training events.
    With --start, its model is trained twice: from fresh weights, and from those (RUN/SIZE/MODEL_started).
    Options of a model follow its name, as for a study of its parts: hybrid_vit hybrid_vit,moments=false.

    Args:
        store: Folder of images that scripts/ingest.py wrote.
        run: Folder of the results.
        models: Models, NAME or NAME,OPTION=VALUE,...; the first is what the others are compared with.
        recipe: Name of a built-in recipe, or a YAML file.
        sizes: Numbers of training events to train every model on.
        seeds: Seeds to repeat each training with, on other events each; only with --sizes.
        start: Run of scripts/pretrain.py to start from; only with --sizes.
        steps: Least number of steps of a training, so that few events are seen often; only with --sizes.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..recipe import load_recipe
    from ..store import open_store
    from .checks import check_study

    if len(set(models)) < len(models):
        raise RecipeError(f"--models has {' '.join(models)}; give each once")
    plan = _plan(sizes, seeds, start, steps)
    study = load_recipe(recipe, overrides)
    recipes = [_with_model(study, name) for name in models]
    for recipe_of_model in recipes:
        check_study(recipe_of_model, open_store(store).info.columns)
    if sizes:
        cli.say(compare_sizes(kinds_of(models, recipes, start), plan, store, run))
    else:
        cli.say(compare_models(models, recipes, store, run))


def compare_models(models: Sequence[str], recipes: Sequence[Recipe], store: Path, folder: Path) -> str:
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
    for name, recipe, run in zip(models, recipes, runs, strict=True):
        logger.info("train %s", name)
        trained = Run(run)
        chain.train_and_evaluate(recipe, store, trained)
        export_run(trained)
    lines = [table(benchmark_runs(runs, folder))]
    lines += [compare_runs(runs[0], other) for other in runs[1:]]
    return "\n".join([*lines, f"{folder / 'benchmark.html'}: table and figures"])


def _plan(sizes: Sequence[int], seeds: Sequence[int], start: Path | None, steps: int) -> Plan:
    """Return what the options ask for, or refuse what does not go together."""
    if min(sizes, default=1) < 1:
        raise RecipeError(f"--sizes has {min(sizes)}; give numbers of events, 1 or more")
    if steps < 0:
        raise RecipeError(f"--steps {steps}; give 0 or more")
    if min(seeds, default=0) < 0:
        raise RecipeError(f"--seeds has {min(seeds)}; give 0 or more")
    if len(set(seeds)) < len(seeds):
        raise RecipeError(f"--seeds has {' '.join(map(str, seeds))}; give each once")
    for option, given in (("--seeds", seeds), ("--start", start), ("--steps", steps)):
        if given and not sizes:
            raise RecipeError(f"{option} needs --sizes; give numbers of training events")
    return Plan(sizes, seeds, steps)


def _with_model(recipe: Recipe, words: str) -> Recipe:
    """Return the recipe with the model NAME or NAME,OPTION=VALUE,...; its own model keeps its options.

    Raises:
        RecipeError: what follows the name are no options.
    """
    name, _, given = words.partition(",")
    try:
        options = yaml.safe_load("{" + given.replace("=", ": ") + "}")
    except yaml.YAMLError:
        options = {given: None}
    named = re.findall(r"(?:^|,)(\w+)=", given)
    if None in options.values() or "/" in words or len(set(named)) < len(named):
        raise RecipeError(
            f"--models '{words}'; write NAME or NAME,OPTION=VALUE,..., each once, such as hybrid_vit,dim=32"
        )
    if name == recipe.model.name:
        options = {**recipe.model.options, **options}
    return dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, name=name, options=options))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(compare, ("transforms", "model", "training", "evaluation"), arguments)
