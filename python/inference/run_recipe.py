"""The recipe with which a model's files are read: of a run folder, or as its export carries it."""

from __future__ import annotations

from typing import Any

from ..errors import RunError
from ..recipe import Recipe, load_recipe, parse_recipe
from .run import Run


def run_recipe(run: Run, recipe: str | None = None, overrides: dict[str, Any] | None = None) -> Recipe:
    """Return the recipe `recipe`, else that of a run folder, else the part that model.json carries.

    Args:
        run: Run folder, or a folder with model.json.
        recipe: Name or file of another one.
        overrides: Dotted keys that come on top.

    Raises:
        RecipeError: no such recipe, or a wrong one.
        RunError: the folder has neither.
        DeploymentError: model.json is damaged.
    """
    if recipe is not None:
        return load_recipe(recipe, overrides)
    if run.recipe_file.is_file():
        return load_recipe(run.recipe_file, overrides)
    if not run.manifest_file.is_file():
        what = "neither a run nor an export" if run.path.is_dir() else "no such file or folder"
        raise RunError(f"{run.path}: {what} (no recipe.yaml, no model.json); give a run folder to --run")
    content = run.manifest.recipe
    if content is None:
        raise RunError(f"{run.manifest_file}: does not say how files are read; give --recipe")
    return parse_recipe(content, overrides or {}, str(run.manifest_file))
