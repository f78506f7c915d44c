"""In which order the events of a split are seen in one epoch.

Blocks of neighbouring events are read in a random order; a few of them at a time fill a buffer, whose events
come out in a random order again. The order depends on (store, split, seed, epoch) only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..store import Block, Events, SparseImages, Store
from ..store.sparse import Array

BUFFER_BLOCKS = 16
SOFT_LABELS = "soft labels"
"""Column of shares of the classes (N, K) that stand in for an event's label."""


@dataclass(frozen=True)
class Order:
    """The order of one epoch: buffers of blocks, and where each buffer starts in the stream of events."""

    buffers: tuple[tuple[Block, ...], ...]
    starts: tuple[int, ...]  # one more than buffers
    key: tuple[int, int] | None  # (seed, epoch); None: the order of the store

    @property
    def events(self) -> int:
        """Events of the epoch."""
        return self.starts[-1]

    def permutation(self, buffer: int) -> Array:
        """Return which row of buffer number `buffer` comes at each place of its part of the stream."""
        count = self.starts[buffer + 1] - self.starts[buffer]
        if self.key is None:
            return np.arange(count)
        return np.random.default_rng([*self.key, 1, buffer]).permutation(count)


def make_order(blocks: list[Block], limit: int, key: tuple[int, int] | None, skip: int = 0) -> Order:
    """Return the order of an epoch over `limit` events (0: all) of `blocks`, after the first `skip`."""
    kept, place = [], 0
    for block in blocks:
        size = block.stop - block.start
        first = max(0, skip - place)
        last = min(size, skip + limit - place) if limit else size
        if first < last:
            kept.append(block._replace(start=block.start + first, stop=block.start + last))
        place += size
    if key is not None:
        kept = [kept[i] for i in np.random.default_rng([*key, 0]).permutation(len(kept))]
    buffers = tuple(tuple(kept[i : i + BUFFER_BLOCKS]) for i in range(0, len(kept), BUFFER_BLOCKS))
    sizes = [sum(block.stop - block.start for block in buffer) for buffer in buffers]
    return Order(buffers, tuple(np.cumsum([0, *sizes]).tolist()), key)


class Buffers:
    """Reads events of an `Order` by their place in the stream; keeps the last two buffers.

    Where there are `soft` labels (N, K) of all events of the split, they become the column `SOFT_LABELS`.
    """

    def __init__(
        self, store: Store, split: str, order: Order, columns: tuple[str, ...] = (), soft: Array | None = None
    ) -> None:
        self.store, self.split, self.order, self.columns = store, split, order, columns
        self.soft = soft
        self.shards = np.cumsum([0, *(shard.events for shard in store.info.splits[split].shards)])
        self._kept: dict[int, tuple[Events, Array]] = {}

    def read(self, places: Array) -> Events:
        """Return the events at `places` (ascending) of the stream."""
        parts = list(self._parts(places))
        if not parts:
            empty = SparseImages.empty(self.store.image.shape)
            return Events(empty, np.zeros(0, np.int64), {name: np.zeros(0) for name in self.columns})
        if len(parts) == 1:
            return parts[0]
        return concatenate_events(parts)

    def _parts(self, places: Array) -> Iterator[Events]:
        starts = self.order.starts
        owners = np.searchsorted(starts, places, side="right") - 1
        for number in np.unique(owners).tolist():
            events, permutation = self._buffer(number)
            rows = permutation[places[owners == number] - starts[number]]
            columns = {name: values[rows] for name, values in events.columns.items()}
            yield Events(events.images.take(rows), events.labels[rows], columns)

    def _buffer(self, number: int) -> tuple[Events, Array]:
        if number not in self._kept:
            blocks = self.order.buffers[number]
            parts = [self._block(block) for block in blocks]
            for old in [key for key in self._kept if key < number - 1 or key > number]:
                del self._kept[old]
            self._kept[number] = (concatenate_events(parts), self.order.permutation(number))
        return self._kept[number]

    def _block(self, block: Block) -> Events:
        events = self.store.read_block(self.split, block, self.columns)
        if self.soft is not None:
            first = int(self.shards[block.shard])
            events.columns[SOFT_LABELS] = self.soft[first + block.start : first + block.stop]
        return events


def concatenate_events(parts: list[Events]) -> Events:
    """Return the events of all `parts` (one or more), in order."""
    return Events(
        SparseImages.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
    )
