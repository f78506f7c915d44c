"""Detector images from first principles."""

from __future__ import annotations

import re
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from ..errors import OutputError
from ..files import locked
from ..progress import progress


class Process(NamedTuple):
    """Which function of which module writes a process, as write(path, events, seed, progress)."""

    module: str
    function: str
    suffix: str  # of the files, by default


PROCESSES = {
    "electron_photon": Process("electron_photon", "write_hdf5", ".hdf5"),
    "quark_gluon": Process("jet_files", "write", ".parquet"),
}


def file_name(process: str, events: int, seed: int) -> str:
    """Return what the file of a simulation is called where nobody says otherwise.

    >>> file_name("electron_photon", 60_000, 1)
    'electron_photon_60000_seed1.hdf5'
    """
    return f"{process}_{events}_seed{seed}{PROCESSES[process].suffix}"


def is_simulated(name: str, events: int) -> bool:
    """Tell whether a file of so many events is called as this package calls its own simulation."""
    return any(
        re.fullmatch(rf"{process}_{events}_seed\d+{re.escape(PROCESSES[process].suffix)}", name)
        for process in PROCESSES
    )


def simulate(
    process: str, output: str | PathLike[str], events: int, seed: int, overwrite: bool = False
) -> None:
    """Write `events` images of one of PROCESSES, with a progress bar; the file appears when it is complete.

    Raises:
        InputError: a number out of range, or a missing package.
        OutputError: the file cannot be written, another simulation writes it, or it is there already and
            `overwrite` does not say that it may be replaced.
    """
    path = Path(output)
    if path.is_dir() or (path.exists() and not overwrite):
        raise OutputError(f"{path}: is there already; remove it, give --overwrite, or another --output")
    module = import_module(f".{PROCESSES[process].module}", __name__)
    with (
        locked(path, "simulation", inside=False),
        progress(f"simulate {process}", events) as bar,
    ):
        getattr(module, PROCESSES[process].function)(output, events, seed, bar.update)
