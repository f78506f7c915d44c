"""Search for better values of recipe fields, on the user's own store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import RecipeError
from . import cli


def tune(
    recipe: str,
    store: Path,
    output: Path,
    space: Path | None = None,
    trials: int = 20,
    objectives: Sequence[Literal["auc", "flops"]] = ("auc",),
    workers: int = 1,
    overrides: dict[str, Any] | None = None,
) -> None:
    """Search recipe fields with Optuna; the same command continues a study, also from several machines.

    Args:
        recipe: Name of a built-in recipe, or a YAML file; fields outside the search space keep its values.
        store: Folder of images that scripts/ingest.py wrote.
        output: Folder of the study; receives best.yaml, trials.json, plots and a run folder per trial.
        space: YAML file: recipe key -> list of choices, or {low, high, log}; by default training settings.
        trials: Number of finished trials after which the study ends.
        objectives: What is best: auc, or auc and flops for the Pareto front of both.
        workers: Number of processes that work on the study.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..recipe import load_recipe
    from ..store import open_store
    from ..training.tuning import tune as search
    from .checks import check_study

    if min(trials, workers) < 1:
        raise RecipeError(f"--trials is {trials} and --workers {workers}; give 1 or more")
    study, events = load_recipe(recipe, overrides), open_store(store)
    check_study(study, events.info.columns)
    wanted = None if space is None else read_space(space)
    best = search(
        study, events, output,
        space=wanted, trials=trials, objective=",".join(objectives), workers=workers,
    )  # fmt: skip
    for trial in best:
        cli.say(f"trial {trial['number']}: {trial['values']} {trial['overrides']}")
    cli.say(f"best recipe: {output / 'best.yaml'}")


def read_space(path: Path) -> dict[str, Any]:
    """Return a search space: recipe key -> list of choices, or mapping with low and high.

    Raises:
        RecipeError: the file is not readable, or no mapping.
    """
    import yaml

    try:
        space = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{path}: not a readable search space ({reason}); give a YAML file") from error
    if not isinstance(space, dict):
        raise RecipeError(f"{path}: found {type(space).__name__}, expected recipe keys with their ranges")
    return space


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(tune, ("transforms", "model", "training"), arguments)
