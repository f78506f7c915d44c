"""NumPy's own files: .npy (one array, or one of records) and .npz (an array per column)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import InputError
from ...store.sparse import Array
from .base import Field, damaged, open_file

SINGLE = "array"  # name of the column of a .npy file that holds no records


class NumpyTable:
    """One .npy or .npz file; the first axis of every array counts entries."""

    where = "the file"

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open_file(path) as file:
                self._arrays = _columns(np.load(file, allow_pickle=False))
        except Exception as error:  # damaged bytes and servers fail in many ways
            raise damaged(path, error) from error
        sizes = {name: len(values) for name, values in self._arrays.items()}
        self.entries = max(sizes.values(), default=0)
        for name, size in sizes.items():
            if size != self.entries:
                raise InputError(
                    f"{path}: '{name}' has {size} entries, others {self.entries}; repair the file"
                )
        self.fields = {name: _field(values) for name, values in self._arrays.items()}

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:  # noqa: ARG002
        """See `table.Table`."""
        return ()

    def read(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """See `table.Table`."""
        return {name: self._arrays[name][start:stop] for name in names}


def _columns(content: Any) -> dict[str, Array]:
    """Return the arrays of at least one axis by name."""
    if isinstance(content, np.ndarray):
        names = content.dtype.names
        return {name: content[name] for name in names} if names else {SINGLE: np.atleast_1d(content)}
    with content:
        arrays = {name: content[name] for name in content.files}
    return {name: values for name, values in arrays.items() if values.ndim}


def _field(values: Array) -> Field:
    kind = values.dtype.kind
    text = f"{values.dtype} {values.shape}"
    return Field(values.ndim - 1 if kind in "fiub" else None, text, kind in "US" and values.ndim == 1)
