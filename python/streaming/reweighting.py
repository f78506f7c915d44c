"""Weights that make a spectrum flat, or the same for every class, so that a network cannot learn it.

An entry of a recipe's `training.augmentation`: {name: reweight, options: {columns: [pt, eta], to: matched}}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from ..errors import StoreError
from ..store import ImageSpec, Store
from ..store.sparse import Array
from .registry import TensorBatch, register


@register("reweight")
class Reweight:
    """Weights by the (pt, eta) bin and the class of an event, fitted on the whole split.

    flat: every class is flat over the bins that it fills. matched: every class has the mean spectrum of all
    classes. The mean weight of each class is 1 before weights are limited to `most`. With `resample`, events
    are drawn by weight within each batch, with replacement, instead of being weighted.
    """

    def __init__(
        self,
        image: ImageSpec,  # noqa: ARG002
        classes: Sequence[str],
        columns: Sequence[str] = ("pt", "eta"),
        to: Literal["flat", "matched"] = "matched",
        bins: int = 10,
        most: float = 10.0,
        resample: bool = False,
    ) -> None:
        if bins < 1 or most < 1 or not columns:
            msg = f"bins {bins} and most {most} must be 1 or more, columns {list(columns)} at least one"
            raise ValueError(msg)
        self.columns, self.classes, self.resample = tuple(columns), len(classes), resample
        self.to, self.bins, self.most = to, bins, most
        self.edges: list[Array] = []
        self.table: Array = np.ones((self.classes, 0))

    def fit(self, store: Store, split: str) -> None:
        """Measure the spectra of `split` (columns only, no images), and fix bins and weights.

        Raises:
            StoreError: a column is missing or has no values.
        """
        values, labels = store.read_columns(split, self.columns)
        for name in self.columns:
            if not np.isfinite(values[name]).all() or not len(labels):
                raise StoreError(
                    f"{store.path}: column '{name}' has missing values; reweight by another column"
                )
        quantiles = np.linspace(0, 1, self.bins + 1)[1:-1]
        self.edges = [np.unique(np.quantile(values[name], quantiles)) for name in self.columns]
        cell = self._cell(values)
        cells = int(np.prod([len(edges) + 1 for edges in self.edges]))
        counts = np.zeros((self.classes, cells))
        np.add.at(counts, (labels, cell), 1)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        filled = shares > 0
        target = shares.mean(axis=0, keepdims=True) if self.to == "matched" else filled * np.ones((1, cells))
        weights = np.where(filled, target / np.where(filled, shares, 1), 0)
        mean = (weights * shares).sum(axis=1, keepdims=True)
        self.table = np.minimum(weights / np.where(mean > 0, mean, 1), self.most)

    def weights(self, labels: Array, columns: dict[str, Array]) -> Array:
        """Return the weight of each event, float32 (B,)."""
        result: Array = self.table[labels, self._cell(columns)].astype(np.float32)
        return result

    def _cell(self, columns: dict[str, Array]) -> Array:
        cell = np.zeros(len(columns[self.columns[0]]), np.int64)
        for name, edges in zip(self.columns, self.edges, strict=True):
            cell = cell * (len(edges) + 1) + np.searchsorted(edges, columns[name], side="right")
        return cell

    def __call__(self, batch: TensorBatch, random: torch.Generator) -> TensorBatch:
        """See `registry.BatchTransform`; the weights were set when the batch was made."""
        if not self.resample or not float(batch.weights.sum()):
            return batch
        rows = torch.multinomial(batch.weights, len(batch.weights), replacement=True, generator=random)
        return TensorBatch(batch.images[rows], batch.labels[rows], torch.ones(len(rows)))
