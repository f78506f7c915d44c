"""The two stages of an ingest: units of entries become parts, parts become shuffled shards.

Both are functions of their arguments alone and write whole files, so that any of them can be repeated, in any
order and in any process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import InputError, StoreError
from ..files import read_json, sha256, write_json
from ..recipe import Recipe
from ..store import SPLITS, SparseImages
from ..store.reader import read_events
from ..store.sparse import Array
from ..store.writer import write_events
from .hashing import choose, event_hash, order_hash
from .plan import InputFile, Plan, Unit, stat
from .seeds import open_images
from .sources.base import Events

KEY, GROUP = "_key", "_group"
UNLABELLED = -1
PROBLEMS = ".json"  # beside a part: entries that were left out, and why
CHECKSUM = ".sha256"  # beside a part: the checksum of a finished part or shard


@dataclass(frozen=True)
class UnitTask:
    """What stage one needs to know of the plan."""

    unit: Unit
    file: InputFile
    recipe: Recipe
    fractions: list[float]
    groups: list[tuple[str, int]]
    folder: str


@dataclass(frozen=True)
class MergeTask:
    """What stage two needs to know: the groups first..first + len(targets) and where they go.

    `folder` is that of the parts, for the checksums.
    """

    first: int
    targets: list[str]
    parts: list[str]
    folder: str


def unit_tasks(plan: Plan, folder: Path) -> list[UnitTask]:
    """Return stage one as tasks which write parts into `folder`."""
    fractions = {split: plan.fractions(split) for split in {file.split for file in plan.inputs}}
    return [
        UnitTask(
            unit=unit,
            file=plan.inputs[unit.source],
            recipe=plan.recipe,
            fractions=fractions[plan.inputs[unit.source].split],
            groups=plan.groups,
            folder=str(folder),
        )
        for unit in plan.units()
    ]


def run_unit(task: UnitTask) -> int:
    """Read, render and deal the entries of one unit; write its part. Returns the entries read.

    Raises:
        InputError: bad content, or the file changed since it was planned.
    """
    unit, file = task.unit, task.file
    source = open_images(file.path, task.recipe)
    events = Events.concatenate([source.read(*step) for step in source.steps(unit.start, unit.stop)])
    if stat(file.path) != (file.bytes, file.mtime_ns) or source.entries != file.entries:
        raise InputError(f"{file.path}: changed while it was read; run again when it is complete")
    hashes = event_hash(file.name, events.entries, task.recipe.split.seed)
    keys = order_hash(hashes, events.entries)
    groups = _groups(choose(hashes, task.fractions), keys, task.groups)
    order = np.lexsort((keys, groups))
    columns = {name: values[order] for name, values in events.columns.items()}
    columns |= {
        "entry": events.entries[order],
        "source": np.full(len(events), unit.source, np.int32),
        KEY: keys[order],
        GROUP: groups[order],
    }
    labels = events.labels[order]
    if task.recipe.inputs.label.unlabelled:
        labels = np.full(len(labels), UNLABELLED, np.int64)
    part = Path(task.folder) / unit.file
    if source.unreadable:
        write_json(part.with_suffix(PROBLEMS), source.unreadable)
    write_events(part, events.images.take(order), labels, columns)
    note_finished(part, part.parent)
    return unit.stop - unit.start


def _groups(splits: Array, keys: Array, groups: list[tuple[str, int]]) -> Array:
    """Return the number of the (split, shard) that each event belongs to."""
    names = [split for split, _ in groups]
    first = np.array([names.index(split) if split in names else -1 for split in SPLITS])
    count = np.array([names.count(split) for split in SPLITS], dtype=np.uint64)
    shard = ((keys >> np.uint64(32)) * count[splits]) >> np.uint64(32)
    numbers: Array = first[splits] + shard.astype(np.int64)
    return numbers


def run_merge(task: MergeTask) -> None:
    """Collect the events of a few shards from all parts, order them by hash, write the shards.

    A shard without events is not written.
    """
    stop = task.first + len(task.targets)
    parts, groups = [], []
    for part in task.parts:
        with opened_part(Path(part)) as file:
            owner = file["columns"][GROUP][:]
        a, b = np.searchsorted(owner, [task.first, stop]).tolist()
        if b > a:
            parts.append(read_events(Path(part), a, b))
            groups.append(owner[a:b])
    if not parts:
        return
    images = SparseImages.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    group = np.concatenate(groups)
    for number, target in enumerate(task.targets, start=task.first):
        rows = np.flatnonzero(group == number)
        rows = rows[np.argsort(columns[KEY][rows], kind="stable")]
        if len(rows):
            kept = {name: values[rows] for name, values in columns.items() if not name.startswith("_")}
            write_events(Path(target), images.take(rows), labels[rows], kept)
            note_finished(Path(target), Path(task.folder))


def note_finished(file: Path, folder: Path) -> None:
    """Keep the checksum of a part or shard in `folder`, that of the parts.

    Raises:
        OutputError: it cannot be written.
    """
    write_json(folder / (file.name + CHECKSUM), sha256(file))


def is_finished(file: Path, folder: Path) -> bool:
    """Tell whether a part or shard of an interrupted ingest is there, with the bytes that were written."""
    try:
        return bool(read_json(folder / (file.name + CHECKSUM)) == sha256(file))
    except (OSError, ValueError):
        return False


@contextmanager
def opened_part(path: Path) -> Iterator[h5py.File]:
    """Open what stage one wrote.

    Raises:
        StoreError: it was damaged since.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{path}: damaged ({reason}); remove it, and the same command continues") from error


def count_selected(parts: Sequence[Path], classes: int) -> tuple[Array, Array]:
    """Return the numbers of the inputs that have parts, and how many events (inputs, classes) these hold.

    Events without a label count as the first class.
    """
    totals: dict[int, Array] = {}
    for part in parts:
        source = int(part.name.partition("-")[0])
        with opened_part(part) as file:
            counts = np.bincount(np.maximum(file["label"][:], 0), minlength=classes)
        totals[source] = totals.get(source, np.zeros(classes, np.int64)) + counts
    sources = np.array(sorted(totals), np.int64)
    table: Any = np.array([totals[source] for source in sources.tolist()]).reshape(len(sources), classes)
    return sources, table
