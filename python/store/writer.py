"""Write shards: one HDF5 file each, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from ..files import unwritable
from .sparse import Array, SparseImages


def write_events(path: Path, images: SparseImages, labels: Array, columns: Mapping[str, Array]) -> None:
    """Write N events as datasets offsets, index, value, label and columns/NAME, uncompressed and contiguous.

    The bytes of the file depend on the content only.

    Raises:
        OutputError: the disk is full or not writable.
    """
    # built in memory: a full disk is then met by a plain write, from which HDF5 need not recover
    with h5py.File(path.name, "w", driver="core", backing_store=False, block_size=1 << 22) as file:
        file.attrs["shape"] = np.array(images.shape, np.int64)
        file["offsets"] = images.offsets
        file["index"] = images.index
        file["value"] = images.value
        file["label"] = labels.astype(np.int64)
        group = file.create_group("columns")
        for name in sorted(columns):
            group[name] = columns[name]
        file.flush()
        content: bytes = file.id.get_file_image()
    partial = path.with_name(f".{path.name}.{os.getpid()}")  # two writers never share a file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
