"""What is wrong with the data: bad values, duplicates, leakage, unbalanced classes, exchanged labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..ingest.hashing import mix
from ..store import ImageSpec, SparseImages
from ..store.sparse import Array
from .features import WEIGHTS, cell_tables
from .statistics import Chunk, Features

KINEMATICS = ("pt", "eta", "ieta")  # what a classifier should not learn the class from
MAX_DISTANCE = 0.03  # Kolmogorov-Smirnov distance below which spectra count as equal
MAX_P_VALUE = 1e-3  # of the same test
MIN_SIGNIFICANCE = 3.0  # standard deviations between two means
GLUON_FEATURES = ("multiplicity", "width")


class BadValues:
    """Counts of NaN, infinite and negative cells, empty images, foreign labels and missing column entries."""

    def __init__(self, image: ImageSpec, classes: int) -> None:
        self._channels = image.names
        self._channel = cell_tables(image).channel
        self._energy = np.array(image.of_kind(*WEIGHTS))
        self._classes = classes
        self._cells = {f"{kind} in {name}": 0 for name in image.names for kind in self._kinds(name)}
        self._events = {
            "images with NaN or infinite cells": 0,
            "empty images": 0,
            "labels outside the classes": 0,
        }
        self._columns: dict[str, int] = {}

    def _kinds(self, channel: str) -> tuple[str, ...]:
        energy = self._energy[self._channels.index(channel)]
        return ("NaN", "infinite", "negative") if energy else ("NaN", "infinite")

    def update(self, chunk: Chunk) -> None:
        """Count in `chunk`, before `clean`."""
        images = chunk.images
        channel = self._channel[images.index]
        bad = {
            "NaN": np.isnan(images.value),
            "infinite": np.isinf(images.value),
            "negative": images.value < 0,
        }
        for kind, cells in bad.items():
            counts = np.bincount(channel[cells], minlength=len(self._channels))
            for name, count in zip(self._channels, counts, strict=True):
                if kind in self._kinds(name):
                    self._cells[f"{kind} in {name}"] += int(count)
        owner = np.repeat(np.arange(len(images)), np.diff(images.offsets))
        broken = np.unique(owner[~np.isfinite(images.value)])
        self._events["images with NaN or infinite cells"] += len(broken)
        filled = np.bincount(owner[images.value != 0], minlength=len(images))
        self._events["empty images"] += int((filled == 0).sum())
        foreign = (chunk.labels < 0) | (chunk.labels >= self._classes)
        self._events["labels outside the classes"] += int(foreign.sum())
        for name, column in chunk.columns.items():
            if column.dtype.kind == "f":
                missing = int((~np.isfinite(column)).sum())
                self._columns[name] = self._columns.get(name, 0) + missing

    def finish(self) -> dict[str, int]:
        """Return what was looked for -> how often it was found."""
        columns = {f"missing values of {name}": count for name, count in self._columns.items()}
        cells = {f"cells: {name}": count for name, count in self._cells.items()}
        return {**self._events, **cells, **columns}


def clean(chunk: Chunk, classes: int) -> Chunk:
    """Return `chunk` without events of foreign labels and with 0 in place of NaN and infinite cells."""
    known = (chunk.labels >= 0) & (chunk.labels < classes)
    if not known.all():
        columns = {name: column[known] for name, column in chunk.columns.items()}
        images = chunk.images.take(np.flatnonzero(known))
        chunk = chunk._replace(images=images, labels=chunk.labels[known], columns=columns)
    finite = np.isfinite(chunk.images.value)
    if not finite.all():
        value = np.where(finite, chunk.images.value, np.float32(0))
        old = chunk.images
        chunk = chunk._replace(images=SparseImages(old.offsets, old.index, value, old.shape))
    return chunk


def image_hashes(images: SparseImages) -> Array:
    """Return a 64-bit hash of each image (N,) uint64; equal images have equal hashes, empty ones 0.

    Each cell's (index, bits of its value) is mixed and an image's hash is the sum: among 1 million images
    chance gives 3e-8 false pairs.
    """
    value = np.ascontiguousarray(images.value + np.float32(0))  # -0.0 becomes 0.0
    bits = (images.index.astype(np.uint64) << np.uint64(32)) | value.view(np.uint32)
    bits = np.where(value != 0, mix(bits), np.uint64(0))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(bits, dtype=np.uint64)])
    hashes: Array = sums[images.offsets[1:]] - sums[images.offsets[:-1]]
    return hashes


class Repeats(NamedTuple):
    """Images that occur more than once; empty ones are left out."""

    distinct: int
    """Images that occur at least twice."""
    surplus: int
    """Events beyond the first of each of them."""
    conflicting: int
    """Those of `distinct` that carry more than one label."""
    shared: dict[tuple[str, str], int]
    """Pair of parts -> distinct images that both hold."""


class Hashes:
    """The hash of every image: 12 bytes per event, the one thing here that grows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._chunks: list[tuple[Array, Array, Array]] = []

    def update(self, chunk: Chunk) -> None:
        """Add the images of `chunk`."""
        if chunk.part not in self._parts:
            self._parts.append(chunk.part)
        hashes = image_hashes(chunk.images)
        part = np.full(len(hashes), self._parts.index(chunk.part), np.uint16)
        filled = hashes != 0
        self._chunks.append((hashes[filled], chunk.labels[filled].astype(np.int16), part[filled]))

    def finish(self) -> Repeats:
        """Return what occurs more than once."""
        if not self._chunks:
            return Repeats(0, 0, 0, {})
        hashes, labels, parts = (np.concatenate(kind) for kind in zip(*self._chunks, strict=True))
        _, group, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
        repeated = sizes[group] > 1
        labels, parts = labels[repeated], parts[repeated]
        _, group, sizes = np.unique(group[repeated], return_inverse=True, return_counts=True)
        by_label = np.unique(np.stack([group, labels]), axis=1)[0]
        conflicting = int((np.bincount(by_label, minlength=1) > 1).sum())
        shared = self._shared(group, parts)
        return Repeats(len(sizes), int((sizes - 1).sum()), conflicting, shared)

    def _shared(self, group: Array, parts: Array) -> dict[tuple[str, str], int]:
        """Count the groups that each two parts have in common."""
        from scipy.sparse import coo_array

        held = coo_array(
            (np.ones(len(group), np.int64), (group, parts)), (len(group), len(self._parts))
        ).tocsr()
        held.data[:] = 1
        common = (held.T @ held).tocoo()
        return {
            (self._parts[a], self._parts[b]): int(count)
            for a, b, count in zip(*common.coords, common.data, strict=True)
            if a < b
        }


class Comparison(NamedTuple):
    """Spectra of one quantity in one class and in the other classes."""

    quantity: str
    label: int
    distance: float
    """Kolmogorov-Smirnov distance, 0 to 1."""
    p_value: float
    """Probability of a distance at least as large between samples of one spectrum."""

    @property
    def unbalanced(self) -> bool:
        """Whether the difference is both significant and large enough to be learnt."""
        return self.distance > MAX_DISTANCE and self.p_value < MAX_P_VALUE


def compare_classes(features: Features, names: Sequence[str]) -> list[Comparison]:
    """Compare each class with the others in each quantity of `names` that there is, by the KS test."""
    from scipy.stats import ks_2samp

    result = []
    for name in names:
        values = [column[np.isfinite(column)] for column in features.values.get(name, [])]
        if len(values) < 2:
            continue
        labels = range(1, 2) if len(values) == 2 else range(len(values))
        for label in labels:
            others = np.concatenate([column for k, column in enumerate(values) if k != label])
            if len(others) and len(values[label]):
                test = ks_2samp(values[label], others, method="asymp")
                result.append(Comparison(name, label, float(test.statistic), float(test.pvalue)))
    return result


class GluonVerdict(NamedTuple):
    """Which class has the gluons' larger multiplicity and width."""

    label: int | None
    """The class that looks like the gluon; None where the features disagree or do not differ."""
    significance: dict[str, float]
    """Feature -> (mean of class 1 - mean of class 0) in standard deviations."""

    @property
    def evidence(self) -> list[str]:
        """Features that differ enough to have a say."""
        return [name for name, size in self.significance.items() if abs(size) > MIN_SIGNIFICANCE]


def gluon_like(features: Features) -> GluonVerdict:
    """Tell which of two classes looks like the gluon.

    Gluons radiate more than quarks (colour factor 3 against 4/3), so their jets have more constituents and
    are wider; a feature that does not differ by three standard deviations has no say.
    """
    significance = {}
    for name in GLUON_FEATURES:
        zero, one = (column[np.isfinite(column)] for column in features.values[name])
        if len(zero) > 1 and len(one) > 1:
            error = np.sqrt(zero.var(ddof=1) / len(zero) + one.var(ddof=1) / len(one))
            difference = float(one.mean() - zero.mean())
            significance[name] = difference / float(error) if error > 0 else 0.0
    votes = {value > 0 for value in significance.values() if abs(value) > MIN_SIGNIFICANCE}
    return GluonVerdict(int(votes.pop()) if len(votes) == 1 else None, significance)
