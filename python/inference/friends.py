"""Scores as files beside the files they belong to: ROOT friend trees, Parquet, HDF5.

Every file has the entries of its input in the same order. Where an entry has any number of candidates (jets
of a collision), its scores are lists as long as the collection. The columns are NAME_CLASS, float32, -1 where
there is no score, for an ensemble on request NAME_CLASS_std, and NAME_status (`geometry.status`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, suggest

FORMATS = {"root": ".root", "parquet": ".parquet", "hdf5": ".hdf5"}
"""Formats and the ending of their files."""
SUFFIXES = {".root": "root", ".parquet": "parquet", ".pq": "parquet", ".hdf5": "hdf5", ".h5": "hdf5"}
OTHER_SUFFIXES = {".csv", ".feather", ".ig", ".json", ".npy", ".npz", ".txt"}
"""Endings that name a file of another format, not a folder."""
INFO = "particlevit"
"""Key of what a file says about itself."""


class ScoreBlock(NamedTuple):
    """Scores of some entries, in order."""

    counts: NDArray[np.int64]
    """(N,) candidates of each entry."""
    status: NDArray[np.int8]
    """(M,) of each candidate."""
    scores: NDArray[np.float32]
    """(M, K) probabilities, with standard deviations right of them (M, 2 K); -1 where there is no score."""


@dataclass(frozen=True)
class Layout:
    """Names and shape of the columns."""

    name: str
    """Name of the tree, and how the columns begin."""
    classes: tuple[str, ...]
    jagged: bool
    """Whether an entry may have any number of candidates, not always one."""
    std: bool = False
    """Whether there are standard deviations of the probabilities."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the columns of scores."""
        return (*self.classes, *(f"{name}_std" for name in self.classes if self.std))

    def columns(self, block: ScoreBlock) -> dict[str, NDArray[Any]]:
        """Return the columns (M,) of a block without their prefix."""
        scores = {name: block.scores[:, k] for k, name in enumerate(self.numbers)}
        return {**scores, "status": block.status}

    def types(self) -> dict[str, str]:
        """Return the type of each column."""
        return {**dict.fromkeys(self.numbers, "float32"), "status": "int8"}


def write_scores(
    path: Path, kind: str, layout: Layout, blocks: Iterable[ScoreBlock], info: dict[str, Any]
) -> None:
    """Write blocks of scores one after the other; memory does not grow with their number.

    Args:
        path: The file.
        kind: One of FORMATS.
        layout: The columns.
        blocks: The scores, in order of the entries.
        info: What the file says about itself: model, checksums, versions.
    """
    WRITERS[kind](path, layout, blocks, json.dumps(info))


def _write_root(path: Path, layout: Layout, blocks: Iterable[ScoreBlock], info: str) -> None:
    import awkward as ak
    import uproot

    name = layout.name
    with uproot.recreate(path) as file:
        file[f"{name}_info"] = info
        if not layout.jagged:
            tree = file.mktree(name, {f"{name}_{key}": kind for key, kind in layout.types().items()})
            for block in blocks:
                tree.extend({f"{name}_{key}": values for key, values in layout.columns(block).items()})
            return
        record = ak.zip({key: np.zeros(0, kind) for key, kind in layout.types().items()})
        empty = ak.unflatten(record, np.zeros(0, np.int64))
        tree = file.mktree(name, {name: ak.type(empty).content})
        for block in blocks:
            tree.extend({name: ak.unflatten(ak.zip(layout.columns(block)), block.counts)})


def _write_parquet(path: Path, layout: Layout, blocks: Iterable[ScoreBlock], info: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def field(name: str, kind: str) -> pa.Field:
        scalar = pa.from_numpy_dtype(kind)
        return pa.field(f"{layout.name}_{name}", pa.list_(scalar) if layout.jagged else scalar)

    schema = pa.schema([field(*item) for item in layout.types().items()], metadata={INFO: info})
    with pq.ParquetWriter(path, schema) as writer:
        for block in blocks:
            offsets = np.concatenate([[0], np.cumsum(block.counts)]).astype(np.int32)
            arrays = [pa.array(values) for values in layout.columns(block).values()]
            if layout.jagged:
                arrays = [pa.ListArray.from_arrays(offsets, values) for values in arrays]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _write_hdf5(path: Path, layout: Layout, blocks: Iterable[ScoreBlock], info: str) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs[INFO] = info
        kinds = {**layout.types(), **({"counts": "int32"} if layout.jagged else {})}
        for name, kind in kinds.items():
            file.create_dataset(
                f"{layout.name}_{name}", (0,), kind, maxshape=(None,), chunks=(1 << 14,), compression="gzip"
            )
        for block in blocks:
            columns = {**layout.columns(block), **({"counts": block.counts} if layout.jagged else {})}
            for name, values in columns.items():
                dataset = file[f"{layout.name}_{name}"]
                dataset.resize(len(dataset) + len(values), axis=0)
                dataset[len(dataset) - len(values) :] = values


WRITERS: dict[str, Callable[[Path, Layout, Iterable[ScoreBlock], str], None]] = {
    "root": _write_root,
    "parquet": _write_parquet,
    "hdf5": _write_hdf5,
}


def read_info(path: str, name: str) -> dict[str, Any] | None:
    """Return what a file of scores under `name` says about itself, None where it is no such file."""
    from ..ingest.tables.base import file_kind, open_file

    try:
        kind = file_kind(path)
        with open_file(path) as file:
            text = _READERS[kind](file, name)
        return dict(json.loads(text))
    except Exception:  # libraries meet files of another kind in many ways
        return None


def _root_info(file: Any, name: str) -> str:
    import uproot

    with uproot.open(file) as opened:
        return str(opened[f"{name}_info"])


def _parquet_info(file: Any, name: str) -> str:  # noqa: ARG001
    import pyarrow.parquet as pq

    return str(pq.read_schema(file).metadata[INFO.encode()].decode())


def _hdf5_info(file: Any, name: str) -> str:  # noqa: ARG001
    import h5py

    with h5py.File(file, "r") as opened:
        return str(opened.attrs[INFO])


_READERS = {"ROOT": _root_info, "Parquet": _parquet_info, "HDF5": _hdf5_info}


def format_of(path: str) -> str:
    """Return the format that the ending of a file's name asks for.

    Raises:
        InputError: none of the known endings.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"--output {path}: ending '{suffix}'; {suggest(suffix, SUFFIXES)}")
    return SUFFIXES[suffix]
