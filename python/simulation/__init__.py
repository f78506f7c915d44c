"""Detector images from first principles."""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from typing import NamedTuple


class Process(NamedTuple):
    """Which function of which module writes a process, as write(path, events, seed, progress)."""

    module: str
    function: str
    suffix: str  # of the files, by default


PROCESSES = {
    "electron_photon": Process("electron_photon", "write_hdf5", ".hdf5"),
    "quark_gluon": Process("jet_files", "write", ".parquet"),
}


def simulate(process: str, output: str | PathLike[str], events: int, seed: int) -> None:
    """Write `events` images of one of PROCESSES, with a progress bar; the file appears when it is complete.

    Raises:
        InputError: a number out of range, a missing package, or a file that cannot be written.
    """
    from tqdm import tqdm

    module = import_module(f".{PROCESSES[process].module}", __name__)
    with tqdm(total=events, unit="event", unit_scale=True, desc=process) as bar:
        getattr(module, PROCESSES[process].function)(output, events, seed, bar.update)
