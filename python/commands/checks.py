"""One check of a whole recipe before any work: what its types cannot say, the registries do."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import RecipeError, suggest
from ..recipe import Recipe


def check_study(recipe: Recipe, columns: Collection[str] | None = None, here: bool = True) -> None:
    """Build all that the recipe names, once and for nothing: model, transforms, augmentation.

    Args:
        recipe: The study.
        columns: Columns that its store has; None: not known yet.
        here: Whether this machine will train; it must then have the device and the logger's package.

    Raises:
        RecipeError, ModelError: an unknown name or option, a wrong type, or what does not fit the images.
    """
    from ..models import build_recipe_model
    from ..store import image_of_recipe
    from ..streaming import build_transforms
    from ..training.run import check_machine

    image = image_of_recipe(recipe)
    build_recipe_model(recipe, image)
    build_transforms(recipe.training.augmentation, image, recipe.classes)
    if here:
        check_machine(recipe.training)
    if columns is not None:
        _check_columns(recipe, columns)


def _check_columns(recipe: Recipe, columns: Collection[str]) -> None:
    """Refuse a step of the augmentation that needs columns which the store lacks."""
    for step in recipe.training.augmentation:
        for name in step.options.get("columns", ()):
            if name not in columns:
                raise RecipeError(
                    f"training.augmentation '{step.name}': the store has no column '{name}'; "
                    f"{suggest(name, columns)}"
                )
