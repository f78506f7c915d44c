from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.files import write_json
from RecoE2E.ParticleViT.recipe import Recipe, parse_recipe
from RecoE2E.ParticleViT.store import (
    ImageSpec,
    ShardInfo,
    SparseImages,
    SplitInfo,
    Store,
    StoreInfo,
    image_of_recipe,
    open_store,
)
from RecoE2E.ParticleViT.store.writer import write_events

CONTENT = {
    "name": "toy",
    "classes": ["photon", "electron"],
    "image": {
        "channels": [{"name": "energy", "unit": "GeV"}, {"name": "time", "unit": "ns", "kind": "time"}],
        "height": 12,
        "width": 12,
    },
    "model": {
        "name": "hybrid_vit",
        "options": {"stem": [8], "pool": False, "dim": 16, "heads": 2, "depth": 1, "mlp_dim": 32},
        "preprocessing": {"energy": {"transform": "log1p"}},
    },
    "training": {"batch_size": 64, "max_epochs": 3, "learning_rate": 1e-2, "threads": 1},
}


def make_recipe(**overrides) -> Recipe:
    """The recipe of `toy_store`; keywords are dotted keys with __ for the dot."""
    return parse_recipe(CONTENT, {key.replace("__", "."): value for key, value in overrides.items()}, "toy")


def toy_images(labels: np.ndarray, shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Sparse noise, and a blob that is a little harder and wider for electrons."""
    random = np.random.default_rng(seed)
    images = random.exponential(1.0, (len(labels), *shape)) * (random.random((len(labels), *shape)) < 0.2)
    images[:, 0, 5, 5] += random.exponential(3.0, len(labels)) + 4 * labels
    images[:, 0, 5, 6] += random.exponential(1.0 + labels)
    return images.astype(np.float32)


def make_store(path: Path, events: dict[str, int], spec: ImageSpec, number: str = "one") -> Store:
    splits = {}
    for seed, (split, count) in enumerate(events.items()):
        labels = np.random.default_rng(seed).integers(0, 2, count)
        file = path / "shards" / f"{split}-00000.h5"
        images = SparseImages.from_dense(toy_images(labels, spec.shape, seed))
        write_events(file, images, labels, {"pt": np.full(count, 50.0)})
        per_class = {"photon": int((labels == 0).sum()), "electron": int(labels.sum())}
        splits[split] = SplitInfo(count, per_class, (ShardInfo.of(path, file, count),))
    info = StoreInfo(number, "toy", spec, ("photon", "electron"), ("pt",), {"seed": 1}, splits, ())
    write_json(path / "store.json", info.to_dict())
    return open_store(path)


@pytest.fixture(scope="session")
def toy_recipe() -> Callable[..., Recipe]:
    """Makes the recipe of `toy_store` with overrides, `training__seed=2` for training.seed."""
    return make_recipe


@pytest.fixture(scope="session")
def toy_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """1,000 training events and 300 each for validation and test, 2 x 12 x 12."""
    events = {"train": 1000, "validation": 300, "test": 300}
    return make_store(tmp_path_factory.mktemp("toy"), events, image_of_recipe(make_recipe()))


@pytest.fixture
def other_store(tmp_path: Path) -> Callable[..., Store]:
    """Makes a store of given events per split and images."""

    def make(events: dict[str, int], spec: ImageSpec, number: str = "other") -> Store:
        return make_store(tmp_path / number, events, spec, number)

    return make
