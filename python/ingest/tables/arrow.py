"""Feather files and CSV, through Arrow; columns NAME_0, NAME_1, ... of numbers are lists NAME as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import InputError
from ...store.sparse import Array
from . import remote
from .base import Field, Jagged, damaged, open_file
from .parquet import field_of, from_arrow

_NUMBERED = re.compile(r"(.+?)_?(\d+)")


class ArrowTable:
    """One Feather or CSV file, read as a whole."""

    where = "the file"

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        try:
            self._table = _read(path, kind)
        except Exception as error:  # damaged bytes and servers fail in many ways
            raise damaged(path, error) from error
        self.entries = len(self._table)
        self.fields = {field.name: field_of(field.type) for field in self._table.schema}
        self._families = families([name for name, field in self.fields.items() if field.depth == 0])
        for name, members in self._families.items():
            self.fields.setdefault(name, Field(1, f"{len(members)} columns"))

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:  # noqa: ARG002
        """See `table.Table`."""
        return ()

    def read(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """See `table.Table`; of a list from several columns, empty ones are left out."""
        table = self._table.slice(start, stop - start)
        return {name: self._values(table, name, start) for name in names}

    def _values(self, table: pa.Table, name: str, start: int) -> Any:
        if name in table.column_names:
            array = table.column(name).combine_chunks()
            if array.null_count:
                first = start + int(np.flatnonzero(np.asarray(array.is_null()))[0])
                raise InputError(
                    f"{self.path}: entry {first}: '{name}' is empty; repair or leave out the file"
                )
            return from_arrow(pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array)
        columns = [table.column(member) for member in self._families[name]]
        values: Array = np.stack([np.asarray(one.to_numpy(), np.float64) for one in columns], axis=1)
        filled = np.stack([~np.asarray(one.is_null().to_numpy(), bool) for one in columns], axis=1)
        offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]).astype(np.int64)
        return Jagged(offsets, values[filled])


def families(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns NAME0, NAME1, ... or NAME_0, NAME_1, ..., two or more, by NAME.

    >>> families(["px_0", "px_1", "px_2", "pt", "r2"])
    {'px': ['px_0', 'px_1', 'px_2']}
    """
    found: dict[str, dict[int, str]] = {}
    for name in names:
        if match := _NUMBERED.fullmatch(name):
            found.setdefault(match[1], {})[int(match[2])] = name
    return {
        stem: [members[number] for number in sorted(members)]
        for stem, members in found.items()
        if len(members) > 1 and sorted(members) == list(range(len(members)))
    }


def _read(path: str, kind: str) -> pa.Table:
    source = open_file(path) if remote.is_remote(path) else path
    if kind == "CSV":
        from pyarrow import csv

        options = csv.ParseOptions(delimiter=_delimiter(path))
        return csv.read_csv(source, parse_options=options).combine_chunks()
    from pyarrow import feather

    return feather.read_table(source).combine_chunks()


def _delimiter(path: str) -> str:
    with open_file(path) as file:
        first = bytes(file.readline()).decode("utf-8", "replace")
    return max(",;\t", key=first.count)
