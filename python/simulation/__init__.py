"""Detector images from first principles."""

from __future__ import annotations

import re
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError, OutputError
from ..files import locked
from ..progress import progress


class Process(NamedTuple):
    """Which function of which module writes a process, as write(path, events, seed, progress, **options)."""

    module: str
    function: str
    suffix: str  # of the files, by default
    options: tuple[str, ...] = ()


PROCESSES = {
    "electron_photon": Process("electron_photon", "write_hdf5", ".hdf5", ("vary",)),
    "quark_gluon": Process("jet_files", "write", ".parquet", ("pile_up", "workers")),
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
    process: str,
    output: str | PathLike[str],
    events: int,
    seed: int,
    overwrite: bool = False,
    pile_up: float = 0.0,
    workers: int = 1,
    vary: bool = False,
) -> None:
    """Write `events` images of one of PROCESSES, with a progress bar; the file appears when it is complete.

    Raises:
        InputError: a number out of range, a missing package, or an option that the process has not.
        OutputError: the file cannot be written, another simulation writes it, or it is there already and
            `overwrite` does not say that it may be replaced.
    """
    path = Path(output)
    if path.is_dir() or (path.exists() and not overwrite):
        raise OutputError(f"{path}: is there already; remove it, give --overwrite, or another --output")
    options = _options(process, {"pile_up": pile_up, "workers": workers, "vary": vary})
    module = import_module(f".{PROCESSES[process].module}", __name__)
    with (
        locked(path, "simulation", inside=False),
        progress(f"simulate {process}", events) as bar,
    ):
        getattr(module, PROCESSES[process].function)(output, events, seed, bar.update, **options)


PLAIN = {"pile_up": 0.0, "workers": 1, "vary": False}
"""Options as they are where nobody gives them."""


def _options(process: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a process has; refuse what it has not."""
    if given["workers"] < 1:
        raise InputError(f"--workers is {given['workers']}; give 1 or more")
    for name, plain in PLAIN.items():
        if given[name] != plain and name not in PROCESSES[process].options:
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} {given[name]}: {process} has no such option; leave it out")
    return {name: given[name] for name in PROCESSES[process].options}
