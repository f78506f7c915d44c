"""Steps on whole batches, by the names that recipes use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import RecipeError, suggest
from ..recipe import Transform
from ..store import ImageSpec


class TensorBatch(NamedTuple):
    """What the network is trained on."""

    images: Tensor  # (B, C, H, W) float32
    labels: Tensor  # (B,) int64, or (B, K) float32 shares of the classes after mixup
    weights: Tensor  # (B,) float32


class BatchTransform(Protocol):
    """One step, made by a factory of `REGISTRY`."""

    def __call__(self, batch: TensorBatch, random: torch.Generator) -> TensorBatch:
        """Return the changed batch; `random` is seeded by (seed, epoch, batch)."""

    def spec(self, image: ImageSpec) -> ImageSpec:
        """Return what the images are after the step."""


Factory = Callable[..., BatchTransform]
REGISTRY: dict[str, Factory] = {}


def register(name: str) -> Callable[[Factory], Factory]:
    """Make a factory known to recipes as `name`; its signature is (image: ImageSpec, classes, **options)."""

    def add(factory: Factory) -> Factory:
        REGISTRY[name] = factory
        return factory

    return add


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
        try:
            step = factory(image=image, classes=tuple(classes), **entry.options)
        except (TypeError, ValueError) as error:
            raise RecipeError(f"transform '{entry.name}': {error}; correct its options") from error
        steps.append(step)
        image = step.spec(image)
    return steps, image


def apply_transforms(
    steps: Sequence[BatchTransform], batch: TensorBatch, random: torch.Generator
) -> TensorBatch:
    """Return `batch` after all `steps`, in order."""
    for step in steps:
        batch = step(batch, random)
    return batch


def generator(*numbers: Any) -> torch.Generator:
    """Return a generator that is seeded by all `numbers` (0 or more each)."""
    seed = int(np.random.SeedSequence([int(n) for n in numbers]).generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(seed >> 1)
