"""Columns of files by name: the same view of ROOT, Parquet, HDF5, NumPy, Feather and CSV."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import InputError, suggest
from ...store.sparse import Array
from . import remote
from .temporary import TemporaryError

MAGIC = {
    b"root": "ROOT",
    b"PAR1": "Parquet",
    b"\x89HDF": "HDF5",
    b"\x93NUM": "NumPy",
    b"PK\x03\x04": "NumPy",  # .npz is a zip
    b"ARRO": "Feather",
}
KINDS = "ROOT, Parquet, HDF5, NumPy, Feather or CSV"
ENDINGS = (".root", ".parquet", ".pq", ".hdf5", ".h5", ".npy", ".npz", ".feather", ".arrow", ".csv", ".ig")
"""Of files that are looked for in folders."""
LISTED = 12  # names that an error lists at most


@dataclass(frozen=True)
class Jagged:
    """N lists; list i holds values[offsets[i]:offsets[i + 1]], which may be lists again."""

    offsets: Array  # (N + 1,) int64, from 0
    values: Any  # (items,) array, or Jagged with as many lists

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Field:
    """Type of a column: lists around the number (0: one number per entry), None where it is no number."""

    depth: int | None
    text: str
    is_text: bool = False
    """Whether it is one word per entry."""


def as_lists(values: Any) -> Jagged:
    """Return an array (N, n) as N lists; what are lists already stays."""
    if isinstance(values, Jagged):
        return values
    array = np.asarray(values)
    return Jagged(np.arange(len(array) + 1, dtype=np.int64) * array.shape[1], array.reshape(-1))


class Table(Protocol):
    """An open file."""

    path: str
    where: str
    """What holds the columns, for messages: tree 'Events'."""
    entries: int
    fields: dict[str, Field]

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:
        """Return entries, ascending, between which the columns are best read; perhaps none."""

    def read(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """Return the entries start..stop of columns, each an array (N, ...) or `Jagged`.

        Raises:
            InputError: the file is damaged.
        """


def make_steps(boundaries: Sequence[int], start: int, stop: int, chunk: int) -> list[tuple[int, int]]:
    """Return ranges of at most `chunk` entries that cover start..stop and do not cross `boundaries`.

    >>> make_steps([0, 5, 10], 3, 10, 3)
    [(3, 5), (5, 7), (7, 10)]
    """
    edges = [start, *(edge for edge in boundaries if start < edge < stop), stop]
    steps = []
    for first, last in pairwise(edges):
        count = max(1, -(-(last - first) // chunk))
        marks = [first + (last - first) * part // count for part in range(count + 1)]
        steps += list(pairwise(marks))
    return steps


def open_file(path: str) -> Any:
    """Open a local or remote file for reading."""
    return remote.open_file(path) if remote.is_remote(path) else Path(path).open("rb")


def damaged(path: str, error: Exception, what: str = "the file") -> InputError:
    """Return what to tell a user when a library gives up on a file."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
    if remote.is_remote(path):
        return TemporaryError(f"{path}: {what} cannot be read ({reason}); check the server and the file")
    return InputError(f"{path}: {what} cannot be read ({reason}); truncated or damaged, copy it again")


def file_kind(path: str) -> str:
    """Return one of KINDS, from the first bytes of the file, of CSV from its name.

    Raises:
        InputError: missing, empty or of another kind.
    """
    try:
        with open_file(path) as file:
            start = bytes(file.read(4))
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror}); check the name of the file") from error
    if not start:
        raise InputError(f"{path}: the file is empty; copy it again")
    if start in MAGIC:
        return MAGIC[start]
    if path.lower().endswith((".csv", ".csv.gz", ".tsv")):
        return "CSV"
    raise InputError(f"{path}: starts with {start!r}, expected a file of the kind {KINDS}")


def hint(name: str, names: Collection[str]) -> str:
    """Return what is there instead of `name`: the nearest of `names`, and the first of all."""
    near = suggest(name, names)
    guess = f"{near} " if near.startswith("did you mean") else ""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{guess}found: {', '.join(sorted(names)[:LISTED]) or 'nothing'}{more}"


def resolve(table: Table, names: str) -> str:
    """Return the first that exists of alternatives like "X_jets|X_jet", or the first of all."""
    alternatives = [name.strip() for name in names.split("|")]
    return next((name for name in alternatives if name in table.fields), alternatives[0])


def require(table: Table, wanted: Mapping[str, str], depth: int | None) -> None:
    """Check that the columns `wanted` (role -> name) exist with `depth` lists around numbers (None: any).

    Raises:
        InputError: a column is missing or of another type; what is there is listed.
    """
    for role, name in wanted.items():
        key = "inputs.label.field" if role == "label" else f"inputs.fields '{role}'"
        if name not in table.fields:
            there = hint(name, table.fields)
            raise InputError(f"{table.path}: {table.where} has no '{name}' ({key}); {there}")
        field = table.fields[name]
        if field.depth is None or (depth is not None and field.depth != depth):
            expected = ("numbers", "one number", "a list of numbers", "a list of lists of numbers")
            index = 0 if depth is None else depth + 1
            raise InputError(
                f"{table.path}: '{name}' ({key}) is {field.text}, "
                f"expected {expected[min(index, 3)]} per entry; correct the recipe"
            )


def check_finite(path: str, name: str, values: Array, entries: Array, least: float | None = None) -> None:
    """Check that all `values` are finite, and at least `least` where given.

    Args:
        path: File, for the message.
        name: Column, for the message.
        values: (N, ...) numbers.
        entries: (N,) entry of the file that each of the values belongs to.
        least: Smallest value allowed.

    Raises:
        InputError: names the file, the entry and the column of the first bad value.
    """
    if _is_fine(values, least):
        return
    bad = ~np.isfinite(values) if least is None else ~_within(values, least)
    first = int(np.flatnonzero(bad.reshape(len(values), -1).any(axis=1))[0])
    value = float(np.atleast_1d(values[first])[np.atleast_1d(bad[first])].flat[0])
    wrong = "negative" if np.isfinite(value) else "not finite"
    raise InputError(
        f"{path}: entry {int(entries[first])}: '{name}' is {value:g}, which is {wrong}; "
        "repair or leave out the file"
    )


def check_lists(path: str, name: str, lists: Jagged, start: int, least: float | None = None) -> None:
    """Check the values of lists, of which the first belongs to entry `start`, as `check_finite` does.

    Raises:
        InputError: see `check_finite`.
    """
    if not _is_fine(lists.values, least):
        entries = np.repeat(np.arange(start, start + len(lists)), np.diff(lists.offsets))
        check_finite(path, name, lists.values, entries, least)


def bad_lists(lists: Jagged, least: float | None = None) -> Array:
    """Return for each list whether one of its values is not finite, or below `least`."""
    bad = np.zeros(len(lists), bool)
    if not _is_fine(lists.values, least):
        wrong = ~np.isfinite(lists.values) if least is None else ~_within(lists.values, least)
        bad[np.repeat(np.arange(len(lists)), np.diff(lists.offsets))[wrong]] = True
    return bad


def _within(values: Array, least: float) -> Array:
    return np.isfinite(values) & (values >= least)


def _is_fine(values: Array, least: float | None) -> bool:
    if values.dtype.kind not in "fiub" or not len(values):
        return True
    low, high = values.min(), values.max()  # NaN shows up in both
    return bool(np.isfinite(low) and np.isfinite(high) and (least is None or low >= least))
