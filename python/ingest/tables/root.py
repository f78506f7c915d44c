"""TTrees and RNTuples, read by uproot."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np
import uproot

from ...errors import InputError
from . import remote
from .base import Field, Jagged, damaged, hint

SPAN_BYTES = 1 << 26  # memory for what was decompressed but not asked for yet
_NUMBER = re.compile(r"(u?int\d+_t|u?char|u?short|u?int|u?long|float|double|bool|float16|byte)")
_COLLECTION = re.compile(r"^_collection\d+\.")
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
        self._kept: tuple[tuple[str, ...], int, Any] = ((), 0, ())
        try:
            self._file = _open(path)
            self._check_whole()
            self._tree = self._find(tree)
            self.entries = int(self._tree.num_entries)
            branches = dict(self._tree.iteritems(recursive=True))
            self._paths = {_short(name): name for name in branches}
            self.fields = {_short(name): _field(name, branch.typename) for name, branch in branches.items()}
        except InputError:
            raise
        except Exception as error:  # uproot meets damaged bytes in many ways
            raise damaged(path, error) from error

    def read(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """See `table.Table`."""
        wanted = tuple(dict.fromkeys(names))
        pieces: list[ak.Array] = []
        place = start
        while place < stop or not pieces:
            first, arrays = self._span(wanted, place, stop)
            last = min(first + len(arrays), stop)
            pieces.append(arrays[place - first : last - first])
            if last <= place < stop:
                raise InputError(f"{self.path}: has no entry {place} of {self.entries}; copy it again")
            place = last
        whole = pieces[0] if len(pieces) == 1 else ak.concatenate(pieces)
        return {name: from_awkward(_pick(whole, self._paths[name])) for name in names}

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:
        """See `table.Table`: where baskets of the largest branch end."""
        branches = [self._tree[self._paths[name]] for name in names]
        if not branches or not hasattr(branches[0], "entry_offsets"):  # RNTuple
            return ()
        largest = max(branches, key=lambda branch: int(branch.uncompressed_bytes))
        return [int(entry) for entry in largest.entry_offsets]

    def _span(self, names: tuple[str, ...], start: int, stop: int) -> tuple[int, ak.Array]:
        """Return the first entry and the arrays of a span that begins at or before `start`.

        Spans end where baskets end and are kept, so that each basket is decompressed once.
        """
        kept_names, first, arrays = self._kept
        if kept_names == names and first <= start < first + len(arrays):
            return first, arrays
        end = self._basket_end(names, stop)
        try:
            arrays = self._tree.arrays(
                [self._paths[name] for name in names], entry_start=start, entry_stop=end
            )
        except Exception as error:
            raise damaged(self.path, error, f"entries {start} to {end}") from error
        if len(arrays) != end - start:
            raise InputError(f"{self.path}: {len(arrays)} of the entries {start} to {end}; copy it again")
        self._kept = (names, start, arrays)
        return start, arrays

    def _basket_end(self, names: tuple[str, ...], stop: int) -> int:
        """Return where the basket ends that holds entry `stop` - 1, if that is not too far."""
        ends = self.boundaries(names)
        size = sum(self._tree[self._paths[name]].uncompressed_bytes for name in names) if ends else 0
        end = ends[bisect_left(ends, stop)] if ends and stop <= ends[-1] else stop
        return end if (end - stop) * size <= SPAN_BYTES * self.entries else stop

    def _check_whole(self) -> None:
        end, size = self._file.file.fEND, self._file.file.source.num_bytes
        if size is not None and size < end:
            raise InputError(f"{self.path}: truncated: {size} of {end} bytes; copy the file again")

    def _find(self, tree: str) -> Any:
        trees = _trees(self._file)
        found = next((name for name in tree.split("|") if name in trees), None)
        if found is None:
            raise InputError(f"{self.path}: no tree '{tree}'; {hint(tree, trees)} (set inputs.tree)")
        return self._file[found]


def tree_names(path: str) -> list[str]:
    """Return the names of the TTrees and RNTuples of a file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with _open(path) as file:
            return _trees(file)
    except InputError:
        raise
    except Exception as error:  # uproot meets damaged bytes in many ways
        raise damaged(path, error) from error


def _trees(file: Any) -> list[str]:
    kinds = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
    names = (name.split(";")[0] for name, kind in file.classnames(recursive=True).items() if kind in kinds)
    return list(dict.fromkeys(names))


def _short(name: str) -> str:
    """Return the name of a branch without the branch it belongs to, or the nameless collection of an RNTuple.

    >>> _short("Jet/Jet.energy"), _short("_collection23.PFCands_pt")
    ('Jet.energy', 'PFCands_pt')
    """
    return _COLLECTION.sub("", name.split("/")[-1])


def _field(name: str, typename: str) -> Field:
    field = parse_type(typename)
    if field.depth is None:
        return Field(None, field.text, field.text in ("std::string", "string"))
    inside = len(_COLLECTION.findall(name))
    return Field(field.depth + inside, field.text)


def _pick(arrays: ak.Array, path: str) -> ak.Array:
    """Return one of the arrays that were read, which in an RNTuple may be inside of a collection."""
    for name in path.split(".") if _COLLECTION.match(path) else [path]:
        arrays = arrays[name]
    return arrays


def from_awkward(array: ak.Array) -> Any:
    """Return an array (N,) or nested `Jagged` lists, without a Python loop over entries or a copy."""
    if array.layout.parameter("__array__") == "string":
        return np.asarray(array.to_list(), dtype=str)
    return _from_layout(array.layout)


def _from_layout(layout: Any) -> Any:
    if layout.is_numpy and layout.data.ndim == 1:
        return np.asarray(layout.data)
    if layout.is_numpy or layout.is_regular:
        layout = layout.to_RegularArray() if layout.is_numpy else layout
        offsets = np.arange(len(layout) + 1, dtype=np.int64) * layout.size
        return Jagged(offsets, _from_layout(layout.content[: offsets[-1]]))
    if layout.is_list:
        layout = layout.to_ListOffsetArray64()
        offsets = np.asarray(layout.offsets.data)
        return Jagged(offsets - offsets[0], _from_layout(layout.content[offsets[0] : offsets[-1]]))
    if layout.is_indexed or layout.is_option:
        return _from_layout(layout.to_packed())
    msg = f"{layout.form.type} is neither a number nor a list of numbers"
    raise TypeError(msg)


def _open(path: str) -> Any:
    if not remote.is_remote(path):
        return uproot.open(path)
    remote.filesystem(path)  # sets the timeouts, and names a missing package
    return remote.retry(path, lambda: uproot.open(path, timeout=remote.TIMEOUT_SECONDS))
