from __future__ import annotations

import numpy as np
import pytest

from RecoE2E.ParticleViT.files import write_json
from RecoE2E.ParticleViT.store import (
    ChannelSpec,
    ImageSpec,
    ShardInfo,
    SparseImages,
    SplitInfo,
    StoreInfo,
    open_store,
)
from RecoE2E.ParticleViT.store.writer import write_events

SPEC = ImageSpec((ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 6, 6, (3, 3))


def number_images(first: int, events: int) -> np.ndarray:
    """Images that carry their event's number in the first cell."""
    images = np.zeros((events, *SPEC.shape), np.float32)
    images[:, 0, 0, 0] = np.arange(first, first + events) + 1
    images[:, 1, 2, 3] = -1
    return images


@pytest.fixture(scope="session")
def numbered_store(tmp_path_factory):
    """25,000 numbered events in 3 shards; label = number % 2."""
    path = tmp_path_factory.mktemp("numbered")
    shards, first = [], 0
    for shard, events in enumerate((12_000, 12_000, 1_000)):
        file = path / f"shards/train-{shard:05d}.h5"
        images = SparseImages.from_dense(number_images(first, events))
        numbers = np.arange(first, first + events)
        write_events(file, images, numbers % 2, {"entry": numbers})
        shards.append(ShardInfo.of(path, file, events))
        first += events
    splits = {"train": SplitInfo(first, {"a": first // 2, "b": first // 2}, tuple(shards))}
    info = StoreInfo("id", "numbered", SPEC, ("a", "b"), ("entry",), {"seed": 1}, splits, ())
    write_json(path / "store.json", info.to_dict())
    return open_store(path)
