"""Memory of ingest and streaming at one million events against a tenth of it, and the quality of the shuffle.

Run: python test/benchmarks/million.py 'top_tagging_train_*.root' [EVENTS]
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.ingest.plan import expand

INGEST = """
import resource, sys, time
from pathlib import Path
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.recipe import load_recipe
begin = time.monotonic()
ingest_files(load_recipe("top_tagging"), Path(sys.argv[2]), sys.argv[1])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(peak, time.monotonic() - begin, time.process_time())
"""
STREAM = """
import resource, sys, time
import numpy as np
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.streaming import StoreLoader
loader = StoreLoader(open_store(sys.argv[1]), "train", batch_size=256, shuffle=True, seed=1)
begin, labels = time.monotonic(), []
for number, batch in enumerate(loader):
    labels.append(batch.labels.numpy().copy())
    if number == 300:
        early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
seconds = time.monotonic() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
x = np.concatenate(labels).astype(float)
x -= x.mean()
lags = [float((x[:-lag] * x[lag:]).mean() / x.var()) for lag in (1, 10, 100, 1000)]
print([early, peak, len(x) / seconds, len(x) / time.process_time(), lags])
"""


def run(program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(pattern: str, events: int) -> None:
    sources = [Path(path).resolve() for path in expand(pattern)]
    with tempfile.TemporaryDirectory() as folder:
        names = itertools.cycle(sources)
        for number in range(-(-events // 25_000)):  # another name gives other hashes
            shutil.copy(next(names), Path(folder) / f"jets_{number:04d}.root")
        few = max(1, events // 250_000)
        peaks = {}
        for label, glob in (("tenth", f"jets_{'0' * 3}[0-{few - 1}].root"), ("whole", "jets_*.root")):
            peak, seconds, cpu = map(float, run(INGEST, f"{folder}/{glob}", f"{folder}/{label}").split())
            peaks[label] = peak
            info = json.loads((Path(folder) / label / "store.json").read_text())
            total = sum(split["events"] for split in info["splits"].values())
            rates = f"{total / seconds:,.0f}/s, {total / cpu:,.0f} per second of processor time"
            cli.say(f"ingest of {total:,} events: peak memory {peak:.0f} MiB, {rates}")
        cli.say(
            f"peak memory of the whole / of the tenth: {peaks['whole'] / peaks['tenth']:.2f} (flat: about 1)"
        )
        early, peak, rate, cpu_rate, lags = json.loads(run(STREAM, f"{folder}/whole"))
        cli.say(f"streaming: {rate:,.0f} images/s, {cpu_rate:,.0f} per second of processor time")
        cli.say(f"streaming: peak memory {early:.0f} MiB after 300 batches, {peak:.0f} MiB after all")
        text = " ".join(f"{lag:+.5f}" for lag in lags)
        cli.say(f"autocorrelation of the label at lags 1, 10, 100, 1000: {text}")
        cli.say(f"expected of a perfect shuffle: 0 +- {events**-0.5:.5f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
