"""The recipe with which a model's files are read: of a run folder, or as its export carries it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import RunError
from ..recipe import Recipe, load_recipe, parse_recipe
from .manifest import MANIFEST, export_folder, read_manifest

RECIPE = "recipe.yaml"


def run_recipe(run: Path, recipe: str | None = None, overrides: dict[str, Any] | None = None) -> Recipe:
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
    if (run / RECIPE).is_file():
        return load_recipe(run / RECIPE, overrides)
    manifest = export_folder(run) / MANIFEST
    if not manifest.is_file():
        what = "neither a run nor an export" if run.is_dir() else "no such folder"
        raise RunError(f"{run}: {what} ({RECIPE} and {MANIFEST} are missing); give --run a run folder")
    content = read_manifest(run).get("recipe")
    if not isinstance(content, dict):
        raise RunError(f"{manifest}: does not say how files are read; give --recipe")
    return parse_recipe(content, overrides or {}, str(manifest))
