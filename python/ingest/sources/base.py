"""What every kind of input gives: events of one file, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    status: Array | None = None
    """(N,) int8 of `geometry.status`, where everything was asked for: only those of status 0 are drawn."""

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
            None if parts[0].status is None else np.concatenate([part.status for part in parts]),
        )

    def spread(self, drawn: Array, status: Array, entries: Array, columns: dict[str, Array]) -> Events:
        """Return all candidates, of which these events are those at the places `drawn`.

        The others have empty images, and NaN in the columns that are not given.

        Args:
            drawn: (N,) places among the M candidates, ascending.
            status: (M,) of all candidates; 0 at `drawn` only.
            entries: (M,) of all candidates.
            columns: (M,) each, of all candidates, where these are known.
        """
        counts = np.zeros(len(status), np.int64)
        counts[drawn] = np.diff(self.images.offsets)
        offsets = np.zeros(len(status) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        whole = {name: np.full(len(status), np.nan, np.float32) for name in self.columns}
        for name, values in self.columns.items():
            whole[name][drawn] = values
        images = replace(self.images, offsets=offsets)
        labels = np.zeros(len(status), np.int64)
        return Events(images, labels, entries, {**whole, **columns}, status.astype(np.int8))


class Source(Protocol):
    """An open file."""

    entries: int
    jagged: bool
    """Whether an entry may give any number of candidates, not always one."""
    missing: list[str]
    """Columns to keep that the file lacks."""
    unreadable: dict[int, str]
    """Entries that were left out so far because they cannot be read, and why."""

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return ranges that cover start..stop, each of a size that fits well into memory."""

    def read(self, start: int, stop: int) -> Events:
        """Return the selected events of the entries start..stop; all candidates where opened so.

        Raises:
            InputError: the file is damaged or holds bad values.
        """
