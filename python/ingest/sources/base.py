"""What every kind of input gives: events of one file, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...store import SparseImages
from ...store.sparse import Array

SEED_ROW = "seed_row"  # column: row of the seed in the whole-ECAL image, 0..279


@dataclass(frozen=True)
class Events:
    """Events of one file, in ascending order of entries; entries may give none, one or several."""

    images: SparseImages
    labels: Array  # (N,) int64
    entries: Array  # (N,) int64
    columns: dict[str, Array]  # each (N,)

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def concatenate(parts: list[Events]) -> Events:
        """Return the events of all `parts` (one or more), in order."""
        return Events(
            SparseImages.concatenate([part.images for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.entries for part in parts]),
            {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        )


class Source(Protocol):
    """An open file."""

    entries: int
    missing: list[str]
    """Columns to keep that the file lacks."""

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return ranges that cover start..stop, each of a size that fits well into memory."""

    def read(self, start: int, stop: int) -> Events:
        """Return the selected events of the entries start..stop.

        Raises:
            InputError: the file is damaged or holds bad values.
        """
