"""The small store and the small run that tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from RecoE2E.ParticleViT.files import write_json
from RecoE2E.ParticleViT.store import (
    ChannelSpec,
    ImageSpec,
    ShardInfo,
    SparseImages,
    SplitInfo,
    StoreInfo,
)
from RecoE2E.ParticleViT.store.writer import write_events

RECIPE = {
    "name": "small",
    "classes": ["a", "b"],
    "inputs": {"source": "images"},
    "image": {
        "channels": [{"name": "energy", "unit": "GeV"}, {"name": "time", "unit": "ns", "kind": "time"}],
        "height": 24,
        "width": 24,
    },
    "model": {"name": "hybrid_vit", "options": {"stem": [8, 16], "dim": 32, "mlp_dim": 64}},
    "training": {"max_epochs": 2, "batch_size": 64, "threads": 1},
}


def make_small_store(path: Path, seed: int = 1) -> Path:
    """Write a store of 24 x 24 images of two channels and two classes: blobs, broad in class `b`."""
    spec = ImageSpec(
        (ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 24, 24, (12, 12)
    )
    random = np.random.default_rng(seed)
    rows, columns = np.indices((24, 24)) - 12
    splits = {}
    for split, events in (("train", 1024), ("validation", 256), ("test", 300)):
        labels = np.arange(events) % 2
        width = np.where(labels, 2.4, 1.8)[:, None, None] * random.normal(1, 0.2, (events, 1, 1))
        images = np.zeros((events, *spec.shape), np.float32)
        energy = (
            50 * np.exp(-(rows**2 + columns**2) / (2 * width**2)) * random.exponential(1, (events, 24, 24))
        )
        images[:, 0] = np.where(energy > 1, energy, 0)
        images[:, 1] = np.where(energy > 1, random.normal(0, 2, energy.shape), 0)
        file = path / f"shards/{split}-00000.h5"
        write_events(file, SparseImages.from_dense(images), labels, {"pt": energy.sum(axis=(1, 2))})
        shards = (ShardInfo.of(path, file, events),)
        splits[split] = SplitInfo(events, {"a": events // 2, "b": events // 2}, shards)
    info = StoreInfo(f"id{seed}", "small", spec, ("a", "b"), ("pt",), {"seed": 1.0}, splits, ())
    write_json(path / "store.json", info.to_dict())
    return path


def make_small_run(store: Path, run: Path, seed: int = 1) -> Path:
    """Train two epochs on a small store."""
    from RecoE2E.ParticleViT.recipe import parse_recipe
    from RecoE2E.ParticleViT.store import open_store
    from RecoE2E.ParticleViT.training import train

    recipe = parse_recipe(RECIPE, {"training.seed": seed}, "small.yaml")
    train(recipe, open_store(store), run)
    return run
