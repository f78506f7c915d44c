"""Cost of converting MLAnalyzer ntuples, against the bare uproot read of the same branches.

Run: python test/benchmarks/rhtree.py [COLLISIONS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import load_recipe

IMAGES = {"ECAL_energy": 100800, "ECAL_tracksPt": 100800, "HBHE_energy": 4032}


def write(path: Path, events: int) -> None:
    """Write collisions with two jets each."""
    random = np.random.default_rng(1)
    with uproot.recreate(path) as file:
        for start in range(0, events, 50):
            arrays = {}
            for name, cells in IMAGES.items():
                values = random.exponential(1, (50, cells)) * (random.random((50, cells)) < 0.03)
                arrays[name] = ak.from_regular(ak.Array(values.astype("f4")))
            for name, low, high in (("jetSeed_ieta", 12, 44), ("jetSeed_iphi", 0, 72), ("jetIsQuark", 0, 2)):
                arrays[name] = ak.from_regular(ak.Array(random.integers(low, high, (50, 2)).astype("f4")))
            if start == 0:
                file.mktree("fevt/RHTree", {name: ak.type(values).content for name, values in arrays.items()})
            file["fevt/RHTree"].extend(arrays)


def measure(function) -> float:
    """Return the processor time of a call, in seconds."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def main(events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ntuple.root"
        write(path, events)
        recipe = load_recipe("quark_gluon")

        def read() -> None:
            with uproot.open(path) as file:
                tree = file["fevt/RHTree"]
                for start in range(0, events, 50):  # one basket at a time
                    tree.arrays([*IMAGES, "jetSeed_ieta"], entry_start=start, entry_stop=start + 50)

        def convert() -> None:
            source = open_source(str(path), recipe)
            for step in source.steps(0, events):
                source.read(*step)

        bare, whole = (
            min(times) for times in zip(*[(measure(read), measure(convert)) for _ in range(3)], strict=True)
        )
    cli.say(f"bare uproot read:         {events / bare:8,.0f} collisions/s")
    cli.say(f"conversion of two jets:   {events / whole:8,.0f} collisions/s")
    cli.say(f"conversion / bare read:   {whole / bare:.2f} of the time (wanted: 1.5 or less)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
