"""The events of a store or of input files, chunk by chunk, and how fast they were read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..ingest.seeds import open_images
from ..recipe import Recipe
from ..store import SPLITS, ImageSpec, InputInfo, Store, image_of_recipe
from .statistics import Chunk

BLOCK_EVENTS = 4096
UNLABELLED = ["unlabelled"]  # the one class of events without labels


@dataclass
class FileRead:
    """What reading one file, or one split of a store, took; less than all of it where a limit holds."""

    name: str
    bytes: int
    entries: int = 0
    """Entries read; those of no class, or without particles, give no event."""
    events: int = 0
    seconds: float = 0.0
    """Decoding, and for particle lists the filling of images, included."""
    problem: str = ""
    """Why the rest of the file could not be read."""
    left_out: tuple[str, ...] = ()
    """Entries that could not be read, and why."""


class Data(NamedTuple):
    """Events to explore, and what is known of them beforehand."""

    title: str
    image: ImageSpec
    classes: list[str]
    splits: bool
    """Whether the parts are splits, which must not share events."""
    files: list[FileRead]
    """One per part; filled while `chunks` is consumed."""
    chunks: Iterator[Chunk]
    total: int | None = None
    """Events to come, where known."""
    inputs: Sequence[InputInfo] = ()
    """Files that a store was made from."""
    notes: Sequence[str] = ()
    """What else to say of the files."""


def store_data(store: Store, limit: int = 0) -> Data:
    """Return the first `limit` events (0: all) of each split of `store`."""
    infos = store.info.splits
    files = [FileRead(name, sum(s.bytes for s in infos[name].shards)) for name in SPLITS if name in infos]
    total = sum(min(store.events(file.name), limit or store.events(file.name)) for file in files)
    title = f"Store {store.path.name}: {store.info.name}"
    chunks = _store_chunks(store, files, limit)
    classes = store.classes if store.info.labelled else UNLABELLED
    return Data(title, store.image, classes, True, files, chunks, total, store.info.inputs, _notes(store))


def _notes(store: Store) -> list[str]:
    stored = sum(shard.bytes for split in store.info.splits.values() for shard in split.shards)
    dense = 4 * int(np.prod(store.image.shape)) * sum(split.events for split in store.info.splits.values())
    notes = [
        f"Dense float32 images would take {dense / 1e6:,.1f} MB, {dense / max(stored, 1):.1f} times as much."
    ]
    return notes + [
        f"Left out at ingest: {' '.join(map(str, skipped.values()))}" for skipped in store.info.skipped
    ]


def _store_chunks(store: Store, files: list[FileRead], limit: int) -> Iterator[Chunk]:
    for file in files:
        for block in store.blocks(file.name, BLOCK_EVENTS):
            if limit and file.events >= limit:
                break
            stop = min(block.stop, block.start + limit - file.events) if limit else block.stop
            started = time.perf_counter()
            events = store.read_block(file.name, block._replace(stop=stop))
            file.seconds += time.perf_counter() - started
            file.entries += stop - block.start
            file.events += len(events.images)
            labels = events.labels if store.info.labelled else np.zeros_like(events.labels)
            yield Chunk(events.images, labels, events.columns, file.name)


def input_data(recipe: Recipe, paths: Sequence[str], limit: int = 0) -> Data:
    """Return the events of the first `limit` entries (0: all) of each file of `paths`.

    A bad file among several becomes a `problem` of its FileRead; a single bad file raises when it is read.
    """
    files = [FileRead(path, _size(path)) for path in paths]
    what = f"{len(paths):,} input files" if len(paths) > 1 else Path(paths[0]).name
    title = f"{recipe.name}: {what}"
    chunks = _input_chunks(recipe, files, limit)
    classes = UNLABELLED if recipe.inputs.label.unlabelled else recipe.classes
    return Data(title, image_of_recipe(recipe), classes, False, files, chunks)


def _input_chunks(recipe: Recipe, files: list[FileRead], limit: int) -> Iterator[Chunk]:
    for file in files:
        if len(files) == 1:
            yield from _file_chunks(recipe, file, limit)
        else:
            yield from _tolerant_chunks(recipe, file, limit)


def _tolerant_chunks(recipe: Recipe, file: FileRead, limit: int) -> Iterator[Chunk]:
    try:
        yield from _file_chunks(recipe, file, limit)
    except InputError as error:
        file.problem = str(error)


def _file_chunks(recipe: Recipe, file: FileRead, limit: int) -> Iterator[Chunk]:
    started = time.perf_counter()
    source = open_images(file.name, recipe)
    entries = min(source.entries, limit or source.entries)
    for start, stop in source.steps(0, entries):
        events = source.read(start, stop)
        file.seconds += time.perf_counter() - started
        file.entries += stop - start
        file.events += len(events.images)
        file.left_out = tuple(source.unreadable.values())
        yield Chunk(events.images, events.labels, events.columns, file.name)
        started = time.perf_counter()


def _size(path: str) -> int:
    """Return the bytes of a local file; 0 for a remote one."""
    return Path(path).stat().st_size if Path(path).is_file() else 0
