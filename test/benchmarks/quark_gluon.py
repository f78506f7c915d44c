"""Speed and memory of simulating quark and gluon jets, and the share of Pythia in it.

Run: python test/benchmarks/quark_gluon.py [JETS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.simulation import jet_files, quark_gluon
from RecoE2E.ParticleViT.simulation.pythia import Dijets


def main(jets: int) -> None:
    source, rng = Dijets(), np.random.default_rng(1)
    source.next(quark_gluon.CHUNK, rng)
    begin = time.process_time()
    for _ in range(10):
        source.next(quark_gluon.CHUNK, rng)
    pythia = 10 * quark_gluon.CHUNK / (time.process_time() - begin)
    cli.say(f"Pythia alone: {pythia:.0f} collisions per second of processor time")
    for suffix in ("parquet", "root"):
        memory: list[float] = []

        def progress(number: int, memory: list[float] = memory) -> None:
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"jets.{suffix}"
            begin = time.process_time()
            jet_files.write(path, jets, 1, progress)
            rate = jets / (time.process_time() - begin)
            size = path.stat().st_size / jets / 1024
        peaks = f"peak {memory[len(memory) // 4]:.0f} MiB after a quarter, {memory[-1]:.0f} MiB at the end"
        cli.say(f"{suffix}: {rate:.0f} jets per second of processor time, {size:.1f} KiB a jet, {peaks}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
