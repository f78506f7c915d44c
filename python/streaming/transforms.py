"""Steps on batches of the training, by the names that `training.augmentation` of a recipe uses."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..errors import RecipeError, suggest
from ..recipe import Transform, check_options
from ..store import ImageSpec
from . import augmentation, disturbance, reweighting  # noqa: F401  each registers its transforms
from .registry import REGISTRY, BatchTransform, TensorBatch


def list_transforms() -> list[str]:
    """Return the names that a recipe may use."""
    return sorted(REGISTRY)


def build_transforms(
    entries: Sequence[Transform], image: ImageSpec, classes: Sequence[str]
) -> list[BatchTransform]:
    """Return the steps of a recipe's `training.augmentation` for images of `image`, whose shape they keep.

    Raises:
        RecipeError: unknown name or option, or an option that does not fit the image.
    """
    steps: list[BatchTransform] = []
    for entry in entries:
        if entry.name not in REGISTRY:
            raise RecipeError(
                f"training.augmentation '{entry.name}': unknown (steps on pixels or shape of all images "
                f"belong to transforms); {suggest(entry.name, REGISTRY)}"
            )
        steps.append(_build(entry, image, classes))
    return steps


def _build(entry: Transform, image: ImageSpec, classes: Sequence[str]) -> BatchTransform:
    factory = REGISTRY[entry.name]
    check_options(f"training.augmentation '{entry.name}'", factory, entry.options, given=("image", "classes"))
    try:
        return factory(image=image, classes=tuple(classes), **entry.options)
    except ValueError as error:
        raise RecipeError(f"training.augmentation '{entry.name}': {error}; correct its options") from error


def apply_transforms(
    steps: Sequence[BatchTransform], batch: TensorBatch, random: torch.Generator
) -> TensorBatch:
    """Return `batch` after all `steps`, in order."""
    for step in steps:
        batch = step(batch, random)
    return batch
