"""HDF5 files: every dataset is a column, its first axis counts entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import h5py

from ...errors import InputError
from . import remote
from .base import Field, damaged, open_file


class Hdf5Table:
    """One HDF5 file."""

    where = "the file"

    def __init__(self, path: str) -> None:
        self.path = path
        self.fields: dict[str, Field] = {}
        self._sizes: dict[str, int] = {}
        try:
            self._file = h5py.File(_handle(path), "r")
            self._file.visititems(self._add)
        except Exception as error:  # damaged bytes and servers fail in many ways
            raise damaged(path, error) from error
        self.entries = max(self._sizes.values(), default=0)

    def _add(self, name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim:
            number = item.dtype.kind in "fiub"
            text = f"{item.dtype} {item.shape}"
            word = item.ndim == 1 and (
                item.dtype.kind == "S" or h5py.check_string_dtype(item.dtype) is not None
            )
            self.fields[name] = Field(item.ndim - 1 if number else None, text, word)
            self._sizes[name] = int(item.shape[0])

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a column."""
        return tuple(int(n) for n in self._file[name].shape)

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:  # noqa: ARG002
        """See `table.Table`."""
        return ()

    def read(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """See `table.Table`."""
        for name in names:
            if self._sizes[name] < stop:
                sizes = f"{self._sizes[name]} entries, others {self.entries}"
                raise InputError(f"{self.path}: '{name}' has {sizes}; repair the file")
        try:
            return {name: self._file[name][start:stop] for name in names}
        except Exception as error:
            raise damaged(self.path, error) from error


def _handle(path: str) -> Any:
    return open_file(path) if remote.is_remote(path) else path
