"""Search for better values of recipe fields, on the user's own store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

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
    import yaml

    from ..errors import RecipeError
    from ..recipe import load_recipe
    from ..store import open_store
    from ..training.tuning import tune as search

    wanted = None
    if space is not None:
        try:
            wanted = yaml.safe_load(space.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise RecipeError(f"{space}: not a readable search space ({reason}); give a YAML file") from error
        if not isinstance(wanted, dict):
            raise RecipeError(
                f"{space}: found {type(wanted).__name__}, expected recipe keys with their ranges"
            )
    best = search(
        load_recipe(recipe, overrides), open_store(store), output,
        space=wanted, trials=trials, objective=",".join(objectives), workers=workers,
    )  # fmt: skip
    for trial in best:
        cli.say(f"trial {trial['number']}: {trial['values']} {trial['overrides']}")
    cli.say(f"best recipe: {output / 'best.yaml'}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(tune, ("transforms", "model", "training"), arguments)
