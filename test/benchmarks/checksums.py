"""What the checksums of a store cost, in processor time, against streaming it; rows of results/checksums.csv.

Run: python test/benchmarks/checksums.py STORE [EPOCHS]

A process checks each shard once, when it first reads it: the cost is measured for one epoch alone, and over
the epochs of a training.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from results import add_rows

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.files import sha256
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.streaming import StoreLoader

REPETITIONS = 5


def cpu_seconds(action: Callable[[], object]) -> float:
    """Return the processor time of an action."""
    begin = time.process_time()
    action()
    return time.process_time() - begin


def main(path: str, epochs: str = "12") -> None:
    """Measure an epoch and the checksums in turn."""
    store = open_store(path)
    info = store.info.splits["train"]
    files = [store.path / shard.file for shard in info.shards]
    loader = StoreLoader(store, "train", batch_size=256, shuffle=True, seed=1, workers=0)

    def epoch() -> None:
        for _ in loader:
            pass

    epoch()  # checks the shards, and brings them into the cache
    pairs = [
        (cpu_seconds(epoch), cpu_seconds(lambda: [sha256(file) for file in files]))
        for _ in range(REPETITIONS)
    ]
    streaming, checking = (median(values) for values in zip(*pairs, strict=True))
    share = median(check / stream for stream, check in pairs)
    row = {
        "images": info.events,
        "shape": "x".join(map(str, store.image.shape)),
        "store_mb": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "images_per_cpu_second": round(info.events / streaming),
        "checksum_mb_per_cpu_second": round(sum(file.stat().st_size for file in files) / 1e6 / checking),
        "share_of_one_epoch": round(share, 4),
        "epochs": int(epochs),
        "share_of_all_epochs": round(share / int(epochs), 4),
    }
    cli.say(str(row))
    add_rows(Path(__file__).parent / "results" / "checksums.csv", [row], REPETITIONS)


if __name__ == "__main__":
    main(*sys.argv[1:])
