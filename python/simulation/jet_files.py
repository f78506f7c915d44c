"""Simulated jets as files of the public layouts: image Parquet, and the MLAnalyzer's ntuple."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_path, unwritable
from ..geometry.grids import EE_ROWS
from .quark_gluon import CHANNELS, SIZE, Collisions, chunks, crops

Progress = Callable[[int], Any]

KIND = pa.list_(pa.list_(pa.list_(pa.float64())))
SCHEMA = pa.schema({"X_jets": KIND, "pt": pa.float64(), "m0": pa.float64(), "y": pa.float64()})
ROW_GROUP = 64  # jets; the public files have row groups of one
TREE = "fevt/RHTree"


def write(
    path: str | PathLike[str],
    events: int,
    seed: int,
    progress: Progress | None = None,
    pile_up: float = 0.0,
    workers: int = 1,
) -> None:
    """Write `events` jets to a Parquet file, or the collisions that they come from to a ROOT file.

    For `pile_up` and `workers` see `quark_gluon.chunks`.

    Raises:
        InputError: another suffix, or see `write_parquet`.
    """
    writers = {".parquet": write_parquet, ".root": write_root}
    suffix = Path(path).suffix
    if suffix not in writers:
        msg = f"{path}: quark_gluon writes {' or '.join(writers)} files; choose one of these suffixes"
        raise InputError(msg)
    writers[suffix](path, chunks(events, seed, pile_up, workers), progress)


def write_parquet(
    path: str | PathLike[str],
    source: Iterable[Collisions],
    progress: Progress | None = None,
    row_group: int = ROW_GROUP,
) -> None:
    """Write images in the public layout: X_jets (3, 125, 125) GeV, pt, m0 (GeV), y (1 = quark).

    The file appears when it is complete; memory does not grow with the number of jets.

    Args:
        path: file to write.
        source: collisions with their jets, see `quark_gluon.chunks`.
        progress: called with the number of jets after each chunk.
        row_group: most jets of a row group.

    Raises:
        InputError: see `quark_gluon.chunks`.
        OutputError: the file cannot be written.
    """
    try:
        with atomic_path(path) as partial, pq.ParquetWriter(partial, SCHEMA, compression="snappy") as file:
            for collisions in source:
                columns = [collisions.jets.pt, collisions.jets.mass, collisions.jets.quark.astype(float)]
                arrays = [_nested(crops(collisions)), *map(pa.array, columns)]
                file.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), row_group_size=row_group)
                if progress is not None:
                    progress(len(collisions.jets.pt))
    except OSError as error:
        raise unwritable(path, error) from error


def write_root(
    path: str | PathLike[str], source: Iterable[Collisions], progress: Progress | None = None
) -> None:
    """Write the tree fevt/RHTree of collisions: flat images of the whole detector, and lists of jets.

    Lists are written as uproot can: arrays with a counter, which read as vector<float> does. The same
    collisions give the same content; the file itself carries its date.

    Args:
        path: file to write; it appears when it is complete.
        source: collisions with their jets; the jets are those of `write_parquet`.
        progress: called with the number of jets after each chunk.

    Raises:
        InputError: as for `write_parquet`.
    """
    try:
        with atomic_path(path) as partial, uproot.recreate(partial, compression=uproot.ZSTD(3)) as file:
            tree = None
            for collisions in source:
                branches = _branches(collisions)
                if tree is None:
                    tree = file.mktree(
                        TREE, {name: ak.type(values).content for name, values in branches.items()}
                    )
                tree.extend(branches)
                if progress is not None:
                    progress(len(collisions.jets.pt))
    except OSError as error:
        raise unwritable(path, error) from error


def _branches(collisions: Collisions) -> dict[str, ak.Array]:
    images, jets = collisions
    wholes = {
        "ECAL_energy": images.ecal,
        "ECAL_tracksPt": images.tracks,
        "EB_energy": images.ecal[:, EE_ROWS:-EE_ROWS],
        "HBHE_energy": images.hbhe,
    }
    lists = {
        "jetSeed_ieta": jets.row,
        "jetSeed_iphi": jets.column,
        "jetPt": jets.pt,
        "jetM": jets.mass,
        "jetIsQuark": jets.quark,
    }
    count = len(images.hbhe)
    per_event = np.bincount(jets.event, minlength=count)
    flat = {name: ak.from_regular(image.reshape(count, -1)) for name, image in wholes.items()}
    return flat | {name: ak.unflatten(values.astype(np.float32), per_event) for name, values in lists.items()}


def _nested(images: NDArray[np.float32]) -> pa.Array:
    """Return images (N, 3, 125, 125) as nested lists of float64 on one buffer."""
    array = pa.array(images.astype(np.float64).reshape(-1))
    for size in (SIZE, SIZE, CHANNELS):
        array = pa.ListArray.from_arrays(np.arange(0, len(array) + 1, size, dtype=np.int32), array)
    return array
