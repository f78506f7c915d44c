"""What a step on whole batches is, and how it gets its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor


class TensorBatch(NamedTuple):
    """What the network is trained on."""

    images: Tensor  # (B, C, H, W) float32
    labels: Tensor  # (B,) int64, or (B, K) float32 shares of the classes after mixup
    weights: Tensor  # (B,) float32


class BatchTransform(Protocol):
    """One step, made by a factory of `REGISTRY`."""

    def __call__(self, batch: TensorBatch, random: torch.Generator) -> TensorBatch:
        """Return the changed batch; `random` is seeded by (seed, epoch, batch)."""


Factory = Callable[..., BatchTransform]
REGISTRY: dict[str, Factory] = {}


def register(name: str) -> Callable[[Factory], Factory]:
    """Make a factory known to recipes as `name`; its signature is (image: ImageSpec, classes, **options)."""

    def add(factory: Factory) -> Factory:
        REGISTRY[name] = factory
        return factory

    return add


def generator(*numbers: Any) -> torch.Generator:
    """Return a generator that is seeded by all `numbers` (0 or more each)."""
    seed = int(np.random.SeedSequence([int(n) for n in numbers]).generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(seed >> 1)
