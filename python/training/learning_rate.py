"""Find a learning rate by a range test (L. Smith, arXiv:1506.01186)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from ..errors import ModelError
from ..recipe import Recipe
from ..store import Store
from ..streaming import StoreLoader, TensorBatch, build_transforms
from .data import check_skip
from .optimizer import make_optimizer
from .run import make_network

SMOOTHING = 0.9


class RangeTest(NamedTuple):
    """What a range test found."""

    suggestion: float
    """Learning rate at the steepest fall of the loss."""
    rates: list[float]
    """Learning rate of each step."""
    losses: list[float]
    """Smoothed loss of each step."""


def find_learning_rate(
    recipe: Recipe, store: Store, *, steps: int = 100, lowest: float = 1e-6, highest: float = 1.0
) -> RangeTest:
    """Train `steps` steps from fresh weights while the learning rate rises exponentially.

    The test stops early where the loss is 4 times its least value.

    Raises:
        ModelError: the loss is not finite from the beginning.
    """
    torch.set_num_threads(recipe.training.threads)
    network = make_network(recipe, store).train()
    optimizer = make_optimizer(network, replace(recipe.training, learning_rate=lowest), fused=False)
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    for step, batch in zip(range(steps), _endless(recipe, store), strict=False):
        rate = lowest * (highest / lowest) ** (step / max(1, steps - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = functional.cross_entropy(network.logits(batch.images), batch.labels)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        average = SMOOTHING * average + (1 - SMOOTHING) * loss.item()
        smooth = average / (1 - SMOOTHING ** (step + 1))
        if not math.isfinite(smooth) or smooth > 4 * min([*losses, smooth]):
            break
        rates.append(rate)
        losses.append(smooth)
    if len(losses) < 10:
        raise ModelError(f"range test: the loss exploded after {len(losses)} steps; check the inputs")
    return RangeTest(_steepest(rates, losses), rates, losses)


def _endless(recipe: Recipe, store: Store) -> Iterator[TensorBatch]:
    settings = recipe.training
    check_skip(settings, store)
    loader = StoreLoader(
        store, "train", batch_size=settings.batch_size, shuffle=True, seed=settings.seed,
        limit=settings.limit, skip=settings.skip,
        transforms=build_transforms(recipe.training.augmentation, store.image, recipe.classes),
    )  # fmt: skip
    epoch = 0
    while True:
        loader.set_epoch(epoch)
        yield from loader
        epoch += 1


def _steepest(rates: list[float], losses: list[float]) -> float:
    """Return the rate where the loss falls fastest per step, without the first and last steps."""
    slopes = np.gradient(np.array(losses))
    skip = max(1, len(losses) // 10)
    return rates[skip + int(np.argmin(slopes[skip:-skip]))]
