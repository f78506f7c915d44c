"""Steps on whole batches, by the names that recipes use."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import torch

from ..errors import RecipeError, suggest
from ..recipe import Transform
from ..store import ImageSpec
from . import augmentation, reshaping, reweighting, values  # noqa: F401  each registers its transforms
from .registry import REGISTRY, BatchTransform, TensorBatch


def list_transforms() -> list[str]:
    """Return the names that a recipe may use."""
    return sorted(REGISTRY)


def build_transforms(
    entries: Sequence[Transform], image: ImageSpec, classes: Sequence[str]
) -> tuple[list[BatchTransform], ImageSpec]:
    """Return the steps of recipe `entries` for images of `image`, and what the images are after all of them.

    Raises:
        RecipeError: unknown name or option, or an option that does not fit the image.
    """
    steps: list[BatchTransform] = []
    for entry in entries:
        if entry.name not in REGISTRY:
            raise RecipeError(f"transform '{entry.name}': unknown; {suggest(entry.name, REGISTRY)}")
        factory = REGISTRY[entry.name]
        known = [name for name in inspect.signature(factory).parameters if name not in ("image", "classes")]
        for option in entry.options:
            if option not in known:
                raise RecipeError(
                    f"transform '{entry.name}': unknown option '{option}'; {suggest(option, known)}"
                )
        steps.append(_build(entry, image, classes))
        image = steps[-1].spec(image)
    return steps, image


def _build(entry: Transform, image: ImageSpec, classes: Sequence[str]) -> BatchTransform:
    try:
        return REGISTRY[entry.name](image=image, classes=tuple(classes), **entry.options)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"transform '{entry.name}': {error}; correct its options") from error


def apply_transforms(
    steps: Sequence[BatchTransform], batch: TensorBatch, random: torch.Generator
) -> TensorBatch:
    """Return `batch` after all `steps`, in order."""
    for step in steps:
        batch = step(batch, random)
    return batch
