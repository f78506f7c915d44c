"""Speed of streaming a shuffled epoch, size against dense, mixing quality, memory.

Run: python test/benchmarks/streaming.py STORE
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.streaming import StoreLoader


def resident() -> float:
    """Return the resident memory of this process now, in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def main(path: str) -> None:
    store = open_store(path)
    info = store.info.splits["train"]
    size = sum(shard.bytes for shard in info.shards)
    dense = info.events * int(np.prod(store.image.shape)) * 4
    cli.say(
        f"{info.events:,} images of {store.image.shape}: {dense / size:.1f} times smaller than dense float32"
    )
    epochs = max(2, 10_000 // info.events)
    for workers in (0, 1):
        loader = StoreLoader(store, "train", batch_size=256, shuffle=True, seed=1, workers=workers)
        labels, memory = [], []
        begin, cpu = time.monotonic(), time.process_time()
        for epoch in range(epochs):
            loader.set_epoch(epoch)
            labels += [batch.labels.numpy().copy() for batch in loader]
            memory.append(resident())
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
        rate = f"{epochs * info.events / seconds:,.0f} images/s"
        note = f" ({epochs * info.events / cpu:,.0f} per second of processor time)" if not workers else ""
        cli.say(f"workers {workers}: {rate}{note}; memory {min(memory):.0f} to {max(memory):.0f} MiB")
    flat = np.concatenate(labels).astype(float)
    flat -= flat.mean()
    lags = [float((flat[:-lag] * flat[lag:]).mean() / flat.var()) for lag in (1, 2, 10, 100)]
    expected = 1 / np.sqrt(len(flat))
    text = " ".join(f"{lag:+.4f}" for lag in lags)
    cli.say(f"autocorrelation of the label at lags 1, 2, 10, 100: {text}")
    cli.say(f"expected of a perfect shuffle: 0 +- {expected:.4f}")


if __name__ == "__main__":
    main(sys.argv[1])
