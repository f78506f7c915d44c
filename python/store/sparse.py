"""Images of which most cells are zero, as lists of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def index_dtype(shape: tuple[int, int, int]) -> type[np.uint16 | np.uint32]:
    """Return the smallest type that numbers the cells of an image of `shape` (C, H, W)."""
    return np.uint16 if int(np.prod(shape)) <= 65536 else np.uint32


@dataclass(frozen=True)
class SparseImages:
    """N images of `shape` (C, H, W); image i owns the cells offsets[i]..offsets[i+1].

    `index` is the position in the flattened (C, H, W) image, ascending within an image; `value` is in the
    unit of its channel.
    """

    offsets: Array  # (N + 1,) int64, from 0
    index: Array  # (cells,) uint16 or uint32
    value: Array  # (cells,) float32
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def empty(cls, shape: tuple[int, int, int]) -> SparseImages:
        """Return no image of `shape`."""
        return cls(np.zeros(1, np.int64), np.zeros(0, index_dtype(shape)), np.zeros(0, np.float32), shape)

    @classmethod
    def from_dense(cls, images: Array) -> SparseImages:
        """Return the non-zero cells of `images` (N, C, H, W)."""
        shape = (int(images.shape[1]), int(images.shape[2]), int(images.shape[3]))
        size = int(np.prod(shape))
        flat = np.ascontiguousarray(images).reshape(-1)  # (N * C * H * W,)
        cells = np.flatnonzero(flat != 0)  # much faster than on the numbers
        value = flat[cells].astype(np.float32)
        if not value.all():  # float64 below the smallest float32
            cells, value = cells[value != 0], value[value != 0]
        bounds = np.arange(len(images) + 1, dtype=np.int64) * size
        offsets = np.searchsorted(cells, bounds).astype(np.int64)
        return cls(offsets, (cells % size).astype(index_dtype(shape)), value, shape)

    def to_dense(self, out: Array | None = None) -> Array:
        """Return the images as float32 (N, C, H, W), written into `out` (contiguous) where given."""
        if out is None:
            out = np.zeros((len(self), *self.shape), np.float32)
        else:
            out[...] = 0
        row_starts = np.arange(len(self), dtype=np.int64) * int(np.prod(self.shape))
        cells = np.repeat(row_starts, np.diff(self.offsets))
        cells += self.index
        out.reshape(-1)[cells] = self.value
        return out

    def take(self, indices: Array) -> SparseImages:
        """Return the images at `indices`, in that order."""
        counts = np.diff(self.offsets)[indices]
        offsets = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        cells = np.repeat(self.offsets[:-1][indices] - offsets[:-1], counts)
        cells += np.arange(offsets[-1])
        return SparseImages(offsets, self.index[cells], self.value[cells], self.shape)

    def slice(self, start: int, stop: int) -> SparseImages:
        """Return the images start..stop, without copying their cells."""
        offsets = self.offsets[start : stop + 1]
        cells = slice(offsets[0], offsets[-1])
        return SparseImages(offsets - offsets[0], self.index[cells], self.value[cells], self.shape)

    @staticmethod
    def concatenate(parts: Sequence[SparseImages]) -> SparseImages:
        """Return the images of all `parts` (one or more, of one shape), in order."""
        if len({part.shape for part in parts}) != 1:
            msg = f"images of the shapes {sorted({part.shape for part in parts})} do not make one batch"
            raise ValueError(msg)
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        index = np.concatenate([part.index for part in parts])
        value = np.concatenate([part.value for part in parts])
        return SparseImages(offsets, index, value, parts[0].shape)
