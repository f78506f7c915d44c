"""Simulate detector images from first principles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from . import cli


def simulate(
    process: Literal["electron_photon", "quark_gluon"],
    /,
    events: int = 20000,
    seed: int = 1,
    output: Path | None = None,
    overwrite: bool = False,
    pile_up: float = 0.0,
    workers: int = 1,
    vary: bool = False,
) -> None:
    """Write simulated images in the layout of the public files.

    electron_photon: crops of 32 x 32 ECAL barrel crystals around electrons and photons of pT = 50 GeV,
    X (N, 32, 32, 2) of E/50 GeV and t/50 ns, y (1 = electron), pt, eta, phi, ieta, iphi. HDF5.

    quark_gluon: jets of Pythia 8 dijets, 125 x 125 images of tracks, ECAL and HCAL. The suffix of the output
    decides: .parquet for images X_jets (3, 125, 125) with pt, m0, y (1 = quark), .root for an ntuple
    fevt/RHTree of the whole detector. Both hold the same jets. Needs the extra `sim`.

    Args:
        process: What to simulate.
        events: Number of images.
        seed: Seed of the random numbers; the same seed gives the same file.
        output: File to write, PROCESS.hdf5 or PROCESS.parquet by default; it appears when it is complete.
        overwrite: Replace the file where it is there already.
        pile_up: Mean number of other collisions in each event (quark_gluon).
        workers: Processes that simulate (quark_gluon); the file is the same for any number.
        vary: Draw the constants that are not known well anew for each event: material, radii of showers,
            noise (electron_photon).
    """
    from .. import simulation

    path = output or Path(process + simulation.PROCESSES[process].suffix)
    simulation.simulate(process, path, events, seed, overwrite, pile_up, workers, vary)
    cli.say(f"{path}: {events} events")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(simulate, arguments=arguments)
