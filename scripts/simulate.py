#!/usr/bin/env python3
"""Simulate detector images from first principles."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from RecoE2E.ParticleViT.cli import run, say


def simulate(
    process: Literal["electron_photon"],
    events: int = 20000,
    seed: int = 1,
    output: Path = Path("electron_photon.hdf5"),
) -> None:
    """Write simulated images in the layout of the public files.

    electron_photon: crops of 32 x 32 ECAL barrel crystals around electrons and photons of pT = 50 GeV,
    X (N, 32, 32, 2) of E/50 GeV and t/50 ns, y (1 = electron), pt, eta, phi, ieta, iphi.

    Args:
        process: what to simulate.
        events: number of images.
        seed: of the random numbers; the same seed gives the same file.
        output: HDF5 file to write; it appears when it is complete.
    """
    from tqdm import tqdm

    from RecoE2E.ParticleViT.simulation import electron_photon

    with tqdm(total=events, unit="event", unit_scale=True, desc=process) as bar:
        electron_photon.write_hdf5(output, events, seed, bar.update)
    say(f"{output}: {events} events")


if __name__ == "__main__":
    run(simulate, positional=True)
