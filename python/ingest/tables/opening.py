"""Open a file of any kind as a table of columns."""

from __future__ import annotations

from .base import Table, file_kind


def open_table(path: str, tree: str) -> Table:
    """Open a file of any kind; `tree` is the name of the TTree or RNTuple in a ROOT file.

    Raises:
        InputError: missing, empty, truncated or of an unknown kind.
    """
    kind = file_kind(path)
    if kind == "ROOT":
        from .root import RootTable

        return RootTable(path, tree)
    if kind == "Parquet":
        from .parquet import ParquetTable

        return ParquetTable(path)
    if kind == "NumPy":
        from .arrays import NumpyTable

        return NumpyTable(path)
    if kind in ("Feather", "CSV"):
        from .arrow import ArrowTable

        return ArrowTable(path, kind)
    from .hdf5 import Hdf5Table

    return Hdf5Table(path)
