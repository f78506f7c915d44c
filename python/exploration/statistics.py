"""One pass over the events with memory that does not grow: sums, histograms and a random sample.

Each accumulator takes `update(chunk)` for any number of chunks and gives its result with `finish()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from hist import Hist, axis

from ..store import ImageSpec, SparseImages
from ..store.sparse import Array
from .features import Cells, cell_tables, image_features, occupancy, seed_values

DECADES = (-6, 6)  # powers of ten that the cell spectra cover; what lies outside goes to the outermost bins
BINS_PER_DECADE = 10
BOOKKEEPING = ("source", "entry")  # columns of a store that are no physics
CAPACITY = 50_000  # events per class that the sample keeps


class Chunk(NamedTuple):
    """Events that were read together; `part` is their split, or their file where there are no splits."""

    images: SparseImages
    labels: Array  # (N,) int64
    columns: dict[str, Array]  # each (N,)
    part: str


@dataclass
class ClassCounts:
    """Events of each class, part by part."""

    classes: int
    counts: dict[str, Array] = field(default_factory=dict)

    def update(self, chunk: Chunk) -> None:
        """Add the events of `chunk`."""
        old = self.counts.setdefault(chunk.part, np.zeros(self.classes, np.int64))
        old += np.bincount(chunk.labels, minlength=self.classes)

    def finish(self) -> dict[str, list[int]]:
        """Return part -> events of each class."""
        return {part: counts.tolist() for part, counts in self.counts.items()}


@dataclass
class MeanImages:
    """Sum of the images of each class."""

    classes: int
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        self._sums = np.zeros(self.classes * int(np.prod(self.shape)))
        self._events = np.zeros(self.classes, np.int64)

    def update(self, chunk: Chunk) -> None:
        """Add the images of `chunk`."""
        size = int(np.prod(self.shape))
        start = np.repeat(chunk.labels * size, np.diff(chunk.images.offsets))
        self._sums += np.bincount(start + chunk.images.index, chunk.images.value, self.classes * size)
        self._events += np.bincount(chunk.labels, minlength=self.classes)

    def finish(self) -> Array:
        """Return the mean image of each class, (K, C, H, W) float64; 0 for a class without events."""
        return (
            self._sums.reshape(self.classes, *self.shape) / np.maximum(self._events, 1)[:, None, None, None]
        )


@dataclass
class Spectra:
    """Histograms of the absolute values of non-zero cells, in logarithmic bins."""

    classes: int
    image: ImageSpec

    def __post_init__(self) -> None:
        bins = (DECADES[1] - DECADES[0]) * BINS_PER_DECADE
        low, high = (10.0**power for power in DECADES)
        self._channel = cell_tables(self.image).channel
        self._counts: Hist[Any] = Hist(
            axis.Integer(0, self.classes),
            axis.Integer(0, len(self.image.channels)),
            axis.Boolean(),
            axis.Regular(bins, low, high, transform=axis.transform.log),
        )

    @property
    def edges(self) -> Array:
        """Edges of the bins, in the unit of the channel."""
        return np.asarray(self._counts.axes[-1].edges)

    def update(self, chunk: Chunk) -> None:
        """Add the cells of `chunk`."""
        value = chunk.images.value
        label = np.repeat(chunk.labels, np.diff(chunk.images.offsets))
        seen = value != 0
        value, label, channel = value[seen], label[seen], self._channel[chunk.images.index[seen]]
        size = np.clip(np.abs(value), *self._counts.axes[-1].centers[[0, -1]])
        self._counts.fill(label, channel, value < 0, size)

    def finish(self) -> Array:
        """Return the counts (K, C, 2, bins) int64 by class, channel and sign (positive, negative)."""
        return np.asarray(self._counts.values(), np.int64)


class Reservoir:
    """A uniform random sample of at most `capacity` rows; it holds all of them while they fit."""

    def __init__(self, capacity: int = CAPACITY, seed: int = 0) -> None:
        self._capacity = capacity
        self._random = np.random.default_rng(seed)
        self._keys = np.zeros(0)
        self._rows: Array | None = None
        self.seen = 0

    def update(self, rows: Array) -> None:
        """Offer `rows` (N, F)."""
        self.seen += len(rows)
        keys = self._random.random(len(rows))
        if self._rows is not None:
            full = len(self._keys) == self._capacity
            enters = keys < self._keys.max() if full else np.ones(len(keys), bool)
            keys = np.concatenate([self._keys, keys[enters]])
            rows = np.concatenate([self._rows, rows[enters]])
        if len(keys) > self._capacity:  # the smallest keys stay: each row has the same chance
            kept = np.sort(np.argpartition(keys, self._capacity)[: self._capacity])
            keys, rows = keys[kept], rows[kept]
        self._keys, self._rows = keys, rows.copy()

    def finish(self) -> Array:
        """Return the sample, (at most capacity, F), in the order of arrival."""
        return np.zeros((0, 0)) if self._rows is None else self._rows


class Features(NamedTuple):
    """Numbers per event, class by class."""

    values: dict[str, list[Array]]
    """Name -> for each class the values of its sampled events; NaN where undefined."""
    seen: list[int]
    """Events of each class in all."""
    sampled: list[int]
    """Events of each class in the sample."""
    unit: str
    """Unit of the widths: rad or cells."""


class FeatureSample:
    """Features of the image, cells per channel and numeric columns of a random sample of each class.

    A column takes the place of the image's feature of the same name.
    """

    def __init__(self, classes: int, image: ImageSpec, capacity: int = CAPACITY) -> None:
        self._image = image
        self._cells: Cells = cell_tables(image)
        self._samples = [Reservoir(capacity, seed=label) for label in range(classes)]
        self._names: list[str] | None = None

    def update(self, chunk: Chunk) -> None:
        """Offer the events of `chunk`; columns that the first chunk lacks are left out."""
        table = self._table(chunk)
        if self._names is None:
            self._names = list(table)
        missing = np.full(len(chunk.labels), np.nan)
        rows = np.stack([table.get(name, missing) for name in self._names], axis=1)  # (N, F)
        for label, sample in enumerate(self._samples):
            sample.update(rows[chunk.labels == label])

    def finish(self) -> Features:
        """Return the sample."""
        names = self._names or []
        tables = [sample.finish() for sample in self._samples]
        values = {name: [table[:, k] for table in tables] for k, name in enumerate(names)}
        seen = [sample.seen for sample in self._samples]
        return Features(values, seen, [len(table) for table in tables], self._cells.unit)

    def _table(self, chunk: Chunk) -> dict[str, Array]:
        table = image_features(chunk.images, self._cells)
        table |= seed_values(chunk.images, self._image)
        cells = occupancy(chunk.images, self._cells, len(self._image.channels))
        table |= {f"cells_{name}": cells[:, k] for k, name in enumerate(self._image.names)}
        for name, column in chunk.columns.items():
            if column.ndim == 1 and column.dtype.kind in "fiub" and name not in BOOKKEEPING:
                table[name] = column.astype(np.float64)
        return table
