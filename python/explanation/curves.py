"""Deletion and insertion: whether the cells that a method calls relevant are those that the score needs.

Petsiuk, Das and Saenko, arXiv:1806.07421: cells are taken away (or put into an empty image) in the order of
their relevance. With a method that can be trusted, the score falls (or rises) sooner than in random order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models import Network

FRACTIONS = np.array([0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0])
RANDOM_ORDERS = 3
SIGNIFICANT = 3.0  # standard errors

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """Probability of the class against the fraction of cells, over N events."""

    values: Floats
    """(N, fractions)."""

    @property
    def mean(self) -> Floats:
        """Mean over the events."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def error(self) -> Floats:
        """Standard error of the mean."""
        return np.asarray(self.values.std(axis=0, ddof=1) / np.sqrt(len(self.values)))

    @property
    def areas(self) -> Floats:
        """Area below the curve of each event (N,)."""
        steps = np.diff(FRACTIONS)
        return np.asarray(((self.values[:, 1:] + self.values[:, :-1]) / 2 * steps).sum(axis=1))


class Verdict(NamedTuple):
    """Area of a method's curve minus that of random orders, paired by event."""

    area: float
    difference: float
    error: float


def deletion(network: Network, images: Tensor, classes: Tensor, maps: Tensor, insert: bool = False) -> Curve:
    """Return the probability of the class after the most relevant cells are gone.

    Args:
        network: in evaluation mode.
        images: raw (N, C, H, W).
        classes: of each image (N,).
        maps: relevance (N, H, W).
        insert: put cells into an empty image instead.
    """
    ranks, hits = _ranks(images, maps)
    found = []
    with torch.inference_mode():
        for fraction in FRACTIONS:
            first = ranks < torch.ceil(hits * fraction)[:, None, None]
            kept = images * (first if insert else ~first)[:, None]
            probabilities = torch.cat([network(some) for some in torch.split(kept, 512)])
            found.append(probabilities.gather(1, classes[:, None]).squeeze(1).double().numpy())
    return Curve(np.stack(found, axis=1))


def random_curve(network: Network, images: Tensor, classes: Tensor, seed: int, insert: bool = False) -> Curve:
    """Return the mean of the curves of random orders of the cells."""
    random = torch.Generator().manual_seed(seed)
    shape = len(images), *images.shape[2:]
    curves = [
        deletion(network, images, classes, torch.rand(shape, generator=random), insert).values
        for _ in range(RANDOM_ORDERS)
    ]
    return Curve(np.mean(curves, axis=0))


def verdict(curve: Curve, random: Curve) -> Verdict:
    """Compare a method's curve with that of random orders."""
    differences = curve.areas - random.areas
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return Verdict(float(curve.areas.mean()), float(differences.mean()), float(error))


def _ranks(images: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rank of each cell, the most relevant hit first, and the number of hits."""
    hit = (images != 0).any(dim=1)
    scores = maps.masked_fill(~hit, -torch.inf).flatten(1)
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks.scatter_(1, order, torch.arange(order.shape[1]).expand_as(order))
    return ranks.reshape(maps.shape), hit.flatten(1).sum(dim=1).float()
