"""Parquet files, read by Arrow and taken from its buffers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import InputError
from . import remote
from .base import Field, Jagged, damaged, open_file


class ParquetTable:
    """One Parquet file."""

    where = "the file"

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._file = pq.ParquetFile(_handle(path))
            metadata = self._file.metadata
            self.entries = int(metadata.num_rows)
            sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            self._starts = np.cumsum([0, *sizes]).tolist()
            self.fields = {field.name: field_of(field.type) for field in self._file.schema_arrow}
        except Exception as error:  # damaged bytes and servers fail in many ways
            raise damaged(path, error) from error

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:  # noqa: ARG002
        """See `table.Table`: where row groups end."""
        large = len(self._starts) < self.entries / 256  # else the reader joins row groups anyway
        return self._starts if large else ()

    def read(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """See `table.Table`."""
        if start >= stop:
            return {name: np.zeros(0) for name in names}
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, stop - 1)
        try:
            groups = range(first, last)
            table = self._file.read_row_groups(
                list(groups), columns=list(dict.fromkeys(names)), use_threads=False
            )
        except Exception as error:  # damaged bytes and servers fail in many ways
            raise damaged(self.path, error) from error
        table = table.slice(start - self._starts[first], stop - start)
        if len(table) != stop - start:
            raise InputError(f"{self.path}: has {len(table)} of the entries {start} to {stop}; copy it again")
        return {name: self._values(name, table.column(name), start) for name in names}

    def _values(self, name: str, column: pa.ChunkedArray, start: int) -> Any:
        array = column.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks)
        if array.null_count:
            first = start + int(np.flatnonzero(np.asarray(array.is_null()))[0])
            raise InputError(f"{self.path}: entry {first}: '{name}' is null; repair or leave out the file")
        return from_arrow(array)


def from_arrow(array: pa.Array) -> Any:
    """Return an array (N,) or nested `Jagged` lists on Arrow's own buffers."""
    kind = array.type
    if pa.types.is_fixed_size_list(kind):
        offsets = np.arange(len(array) + 1, dtype=np.int64) * kind.list_size
        return Jagged(offsets, from_arrow(array.flatten()))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets = array.offsets.to_numpy().astype(np.int64)
        values = array.values.slice(offsets[0], offsets[-1] - offsets[0])
        return Jagged(offsets - offsets[0], from_arrow(values))
    return array.to_numpy(zero_copy_only=False)


def field_of(kind: pa.DataType) -> Field:
    """Return the type of a column."""
    depth, inner = 0, kind
    while pa.types.is_list(inner) or pa.types.is_large_list(inner) or pa.types.is_fixed_size_list(inner):
        depth, inner = depth + 1, inner.value_type
    number = pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_boolean(inner)
    word = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return Field(depth if number else None, str(kind), word)


def _handle(path: str) -> Any:
    return open_file(path) if remote.is_remote(path) else path
