"""TTrees and RNTuples, read by uproot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np
import uproot

from ..errors import InputError
from .table import Field, Jagged, hint

_NUMBER = re.compile(r"(u?int\d+_t|u?char|u?short|u?int|u?long|float|double|bool|float16|byte)")
_LIST = re.compile(r"(?:std::|ROOT::|ROOT::VecOps::)*(?:vector|RVec|array)<(.*?)(?:,\s*\d+)?>\s*$")


def parse_type(text: str) -> Field:
    """Return the type of a branch from its C++ name.

    >>> parse_type("std::vector<std::vector<float>>").depth, parse_type("int32_t").depth
    (2, 0)
    """
    depth, inner = 0, text.strip()
    while True:
        if inner.endswith("]"):
            depth, inner = depth + 1, inner[: inner.rindex("[")].strip()
        elif match := _LIST.fullmatch(inner):
            depth, inner = depth + 1, match.group(1).strip()
        else:
            break
    inner = inner.removeprefix("std::").replace("unsigned ", "u")
    return Field(depth if _NUMBER.fullmatch(inner) else None, text)


class RootTable:
    """One TTree or RNTuple of a ROOT file."""

    def __init__(self, path: str, tree: str) -> None:
        self.path, self.where = path, f"tree '{tree}'"
        try:
            self._file = uproot.open(path)
            self._check_whole()
            self._tree = self._find(tree)
            self.entries = int(self._tree.num_entries)
            names = self._tree.keys(recursive=True)
            self.fields = {name.split("/")[-1]: parse_type(self._tree[name].typename) for name in names}
        except InputError:
            raise
        except Exception as error:  # uproot meets damaged bytes in many ways
            raise _damaged(path, error) from error

    def read(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """See `table.Table`."""
        try:
            arrays = self._tree.arrays(list(dict.fromkeys(names)), entry_start=start, entry_stop=stop)
        except Exception as error:
            raise _damaged(self.path, error, f"entries {start} to {stop}") from error
        result = {name: from_awkward(arrays[name]) for name in names}
        for name, values in result.items():
            if len(values) != stop - start:
                raise InputError(
                    f"{self.path}: '{name}' has {len(values)} of the entries {start} to {stop}; copy it again"
                )
        return result

    def _check_whole(self) -> None:
        end, size = self._file.file.fEND, self._file.file.source.num_bytes
        if size is not None and size < end:
            raise InputError(f"{self.path}: truncated: {size} of {end} bytes; copy the file again")

    def _find(self, tree: str) -> Any:
        trees = {
            name.split(";")[0]: kind
            for name, kind in self._file.classnames(recursive=True).items()
            if kind in ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
        }
        if tree not in trees:
            raise InputError(f"{self.path}: no tree '{tree}'; {hint(tree, trees)} (set inputs.tree)")
        return self._file[tree]


def from_awkward(array: ak.Array) -> Any:
    """Return an array (N,) or nested `Jagged` lists, without a Python loop over entries."""
    return _from_layout(array.layout.to_packed())


def _from_layout(layout: Any) -> Any:
    if layout.is_numpy and layout.data.ndim == 1:
        return np.asarray(layout.data)
    if layout.is_numpy or layout.is_regular:
        layout = layout.to_RegularArray() if layout.is_numpy else layout
        offsets = np.arange(len(layout) + 1, dtype=np.int64) * layout.size
        return Jagged(offsets, _from_layout(layout.content))
    if layout.is_list:
        offsets = np.asarray(layout.offsets.data).astype(np.int64)
        return Jagged(offsets, _from_layout(layout.content))
    msg = f"{layout.form.type} is neither a number nor a list of numbers"
    raise TypeError(msg)


def _damaged(path: str, error: Exception, what: str = "the file") -> InputError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
    return InputError(f"{path}: {what} cannot be read ({reason}); truncated or damaged, copy it again")
