"""Speed and memory of simulating quark and gluon jets, and the share of Pythia in it.

test/benchmarks/quark_gluon.py --jets 2000 [--pile-up 20] [--results FILE.csv]
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from results import add_rows

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.simulation import jet_files, quark_gluon
from RecoE2E.ParticleViT.simulation.pythia import Dijets


def benchmark(jets: int = 2000, pile_up: float = 0.0, results: Path | None = None) -> None:
    """Simulate jets and print the rates per second of processor time, on one core.

    Args:
        jets: How many, for each kind of file.
        pile_up: Mean number of collisions beside each.
        results: CSV file that gets the rows.
    """
    source, rng = Dijets(pile_up), np.random.default_rng(1)
    source.next(quark_gluon.CHUNK, rng)
    begin = time.process_time()
    for _ in range(10):
        source.next(quark_gluon.CHUNK, rng)
    pythia = 10 * quark_gluon.CHUNK / (time.process_time() - begin)
    cli.say(f"Pythia alone: {pythia:.0f} collisions per second of processor time")
    rows = [measure(suffix, jets, pile_up) for suffix in ("parquet", "root")]
    if results:
        add_rows(results, [row | {"pythia_collisions_per_second": f"{pythia:.0f}"} for row in rows], 1)


def measure(suffix: str, jets: int, pile_up: float) -> dict[str, Any]:
    """Return rate, size and memory of writing one kind of file."""
    memory: list[float] = []

    def progress(_: int) -> None:
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"jets.{suffix}"
        begin = time.process_time()
        jet_files.write(path, jets, 1, progress, pile_up)
        rate = jets / (time.process_time() - begin)
        size = path.stat().st_size / jets / 1024
    row = {
        "file": suffix, "jets": jets, "pile_up": pile_up, "jets_per_second": f"{rate:.0f}",
        "kib_per_jet": f"{size:.1f}", "peak_mib_at_a_quarter": f"{memory[len(memory) // 4]:.0f}",
        "peak_mib_at_the_end": f"{memory[-1]:.0f}",
    }  # fmt: skip
    cli.say("  ".join(f"{key} {value}" for key, value in row.items()))
    return row


if __name__ == "__main__":
    cli.run(benchmark)
