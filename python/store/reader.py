"""Read a store: whole splits for people, blocks for the training stream."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from ..errors import StoreError, suggest
from ..files import sha256
from ..geometry.description import ImageSpec
from .schema import SPLITS, ShardInfo, StoreInfo, read_info
from .sparse import Array, SparseImages

BLOCK_EVENTS = 512


class Batch(NamedTuple):
    """Events as dense images."""

    images: Array  # (N, C, H, W) float32
    labels: Array  # (N,) int64
    columns: dict[str, Array]  # each (N,)


class Block(NamedTuple):
    """Events start..stop of shard number `shard` of a split."""

    shard: int
    start: int
    stop: int


class Events(NamedTuple):
    """Events as sparse images."""

    images: SparseImages
    labels: Array  # (N,) int64
    columns: dict[str, Array]  # each (N,)


def read_events(path: Path, start: int, stop: int, columns: Sequence[str] | None = None) -> Events:
    """Read the events start..stop of one file of `writer.write_events`, with all or some of its columns.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            offsets = file["offsets"][start : stop + 1].astype(np.int64)
            if (np.diff(offsets) < 0).any():
                raise ValueError("its offsets decrease")
            cells = slice(int(offsets[0]), int(offsets[-1]))
            c, h, w = (int(n) for n in file.attrs["shape"])
            images = SparseImages(offsets - offsets[0], file["index"][cells], file["value"][cells], (c, h, w))
            names = list(file["columns"]) if columns is None else columns
            kept = {name: file["columns"][name][start:stop] for name in names}
            return Events(images, file["label"][start:stop], kept)
    except (OSError, KeyError, RuntimeError, IndexError, ValueError, TypeError) as error:
        raise unreadable(path, error) from error


def read_side_columns(path: Path, names: Sequence[str]) -> tuple[dict[str, Array], Array]:
    """Read columns and labels of all events of one file of `writer.write_events`.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            return {name: file["columns"][name][:] for name in names}, file["label"][:]
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> StoreError:
    """Return what to tell of a shard that cannot be read: it is locked away, or damaged."""
    if isinstance(error, PermissionError):
        return StoreError(f"{path}: no permission to read it; ask its owner for it")
    reason = " ".join(str(error).split())
    return StoreError(f"{path}: damaged ({reason}); remove the store and ingest again")


class Store:
    """A finished store; opening it reads store.json and checks that every shard is there with its size.

    Its checksum is checked when a process reads a shard for the first time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info: StoreInfo = read_info(path)
        self._verified: set[str] = set()
        for split in self.info.splits.values():
            for shard in split.shards:
                self._check(shard)

    @property
    def image(self) -> ImageSpec:
        """Description of every image."""
        return self.info.image

    @property
    def classes(self) -> list[str]:
        """Class names; label k means classes[k]."""
        return list(self.info.classes)

    def events(self, split: str) -> int:
        """Return the number of events of `split`."""
        return self.info.splits[self._known(split)].events

    def blocks(self, split: str, events: int = BLOCK_EVENTS) -> list[Block]:
        """Return runs of at most `events` neighbouring events which cover `split` once, in order."""
        return [
            Block(number, start, min(start + events, shard.events))
            for number, shard in enumerate(self.info.splits[self._known(split)].shards)
            for start in range(0, shard.events, events)
        ]

    def read_block(self, split: str, block: Block, columns: Sequence[str] | None = None) -> Events:
        """Read the events of `block`, with all or some columns."""
        shard = self.info.splits[self._known(split)].shards[block.shard]
        return read_events(self._verify(shard), block.start, block.stop, columns)

    def shards(self, split: str) -> list[Path]:
        """Return the files of `split`, verified."""
        return [self._verify(shard) for shard in self.info.splits[self._known(split)].shards]

    def read_columns(self, split: str, names: Sequence[str]) -> tuple[dict[str, Array], Array]:
        """Return columns and labels of all events of `split`, without their images.

        Raises:
            StoreError: unknown split or column.
        """
        for name in names:
            if name not in self.info.columns:
                raise StoreError(f"{self.path}: no column '{name}'; {suggest(name, self.info.columns)}")
        parts = [read_side_columns(shard, names) for shard in self.shards(split)]
        if not parts:
            return {name: np.zeros(0) for name in names}, np.zeros(0, np.int64)
        columns = {name: np.concatenate([part[name] for part, _ in parts]) for name in names}
        return columns, np.concatenate([labels for _, labels in parts])

    def read(self, split: str, limit: int | None = None) -> Batch:
        """Read the first `limit` events of `split` (None: all) as dense images (N, C, H, W).

        Raises:
            StoreError: unknown split or damaged shard.
        """
        count = self.events(split) if limit is None else min(limit, self.events(split))
        images = np.zeros((count, *self.image.shape), np.float32)
        labels = np.zeros(count, np.int64)
        columns: dict[str, list[Array]] = {name: [] for name in self.info.columns}
        done = 0
        for block in self.blocks(split, events=4096):
            if done >= count:
                break
            block = block._replace(stop=min(block.stop, block.start + count - done))
            events = self.read_block(split, block)
            end = done + len(events.images)
            events.images.to_dense(out=images[done:end])
            labels[done:end] = events.labels
            for name, parts in columns.items():
                parts.append(events.columns[name])
            done = end
        whole = {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in columns.items()}
        return Batch(images, labels, whole)

    def check_model(self, image: ImageSpec, classes: Sequence[str]) -> None:
        """Check that a model of `image` and `classes` understands the events of this store.

        Raises:
            StoreError: other images or classes; both sides are named. A model of the tier mini drops the hits
                that the tiers full and reduced have beside its own, and so takes them, too.
        """
        differences = image.differences(self.image)
        if image.tier == "mini" and self.image.tier in ("full", "reduced"):
            differences.pop("tier", None)
        if list(classes) != self.classes:
            differences["classes"] = (list(classes), self.classes)
        for what, (model, store) in differences.items():
            verb = "are" if what.endswith("s") else "is"
            raise StoreError(
                f"{self.path}: the store's {what} {verb} {_plain(store)}, the model's {verb} "
                f"{_plain(model)}; use a store of the model's recipe"
            )

    def check_labelled(self, purpose: str) -> None:
        """Check that the events have labels; `purpose`, such as training, needs them.

        Raises:
            StoreError: they have none.
        """
        if not self.info.labelled:
            raise StoreError(
                f"{self.path}: its events have no labels, which {purpose} needs; ingest files with labels, "
                "or use this store for prediction only"
            )

    def _known(self, split: str) -> str:
        if split not in self.info.splits:
            known = [name for name in SPLITS if name in self.info.splits]
            raise StoreError(f"{self.path}: no split '{split}'; {suggest(split, known)}")
        return split

    def _verify(self, shard: ShardInfo) -> Path:
        """Return the path of a shard whose bytes are those that were written."""
        path = self.path / shard.file
        if shard.file not in self._verified:
            try:
                found = sha256(path)
            except OSError as error:
                raise unreadable(path, error) from error
            if found != shard.sha256:
                raise StoreError(
                    f"{path}: damaged (checksum {found[:12]}, expected {shard.sha256[:12]}); "
                    "remove the store and ingest again"
                )
            self._verified.add(shard.file)
        return path

    def _check(self, shard: ShardInfo) -> None:
        file = self.path / shard.file
        found = file.stat().st_size if file.is_file() else None
        if found != shard.bytes:
            state = "is missing" if found is None else f"has {found} bytes"
            raise StoreError(
                f"{file}: {state}, expected {shard.bytes} bytes; remove the store and ingest again"
            )


def _plain(value: Any) -> Any:
    """Return a side of a difference for a message."""
    return list(value) if isinstance(value, tuple) else value


def open_store(path: str | Path) -> Store:
    """Open the store folder `path`.

    Raises:
        StoreError: missing, unfinished or damaged.
    """
    return Store(Path(path))
