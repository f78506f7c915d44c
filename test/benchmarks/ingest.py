"""Speed of ingest: jets/s from ROOT to store on one core, against bare reading and a bare histogram fill.

Run: python test/benchmarks/ingest.py FILE.root
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import uproot

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.recipe import load_recipe


def measure(function, repeat: int = 3) -> float:
    """Return the best processor time of a call, in seconds: other processes do not count."""
    times = []
    for _ in range(repeat):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return min(times)


def bare_read(path: str) -> int:
    with uproot.open(path) as file:
        return len(file["Events"].arrays(["part_px", "part_py", "part_pz", "part_energy", "is_signal"]))


def bare_fill(path: str) -> None:
    """Fill (jet, eta, phi) around the jet axis with plain numpy: no alignment, no shuffle, no store."""
    with uproot.open(path) as file:
        tree = file["Events"]
        for start in range(0, tree.num_entries, 2000):
            stop = min(start + 2000, tree.num_entries)
            arrays = tree.arrays(entry_start=start, entry_stop=stop)
            counts = np.asarray(arrays["npart"])
            px, py, pz = (np.asarray(arrays[f"part_p{c}"].layout.to_packed().content.data) for c in "xyz")
            jet = np.repeat(np.arange(stop - start), counts)
            pt, phi = np.hypot(px, py), np.arctan2(py, px)
            eta = np.arcsinh(pz / pt)
            axis = np.arctan2(np.bincount(jet, py), np.bincount(jet, px))
            eta -= (np.bincount(jet, pt * eta) / np.bincount(jet, pt))[jet]
            phi = (phi - axis[jet] + np.pi) % (2 * np.pi) - np.pi
            edges = [np.arange(stop - start + 1), np.linspace(-0.8, 0.8, 33), np.linspace(-0.8, 0.8, 33)]
            for weights in (pt, None):
                np.histogramdd((jet, eta, phi), bins=edges, weights=weights)


def main(path: str) -> None:
    jets = bare_read(path)

    def ingest() -> None:
        with tempfile.TemporaryDirectory() as folder:
            ingest_files(load_recipe("top_tagging"), Path(folder) / "store", path)

    read, fill, whole = measure(lambda: bare_read(path)), measure(lambda: bare_fill(path)), measure(ingest)
    cli.say(f"bare uproot read:          {jets / read:10,.0f} jets/s")
    cli.say(f"bare numpy histogram fill: {jets / fill:10,.0f} jets/s")
    cli.say(f"ingest, ROOT to store:     {jets / whole:10,.0f} jets/s (wanted: 15,000)")
    cli.say(f"ingest / bare fill:        {whole / fill:10.2f} of the time")


if __name__ == "__main__":
    main(sys.argv[1])
