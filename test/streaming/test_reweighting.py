from __future__ import annotations

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT.errors import StoreError
from RecoE2E.ParticleViT.files import write_json
from RecoE2E.ParticleViT.recipe import Transform
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
from RecoE2E.ParticleViT.streaming import StoreLoader, build_transforms

EVENTS = 20_000
SPEC = ImageSpec((ChannelSpec("energy", "GeV", "energy"),), 2, 2, (1, 1))


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    """Class 1 is harder in pt and more forward than class 0; the image carries the pt."""
    path = tmp_path_factory.mktemp("spectra")
    random = np.random.default_rng(1)
    labels = (random.random(EVENTS) < 0.3).astype(np.int64)
    pt = (50 + random.exponential(20 + 10 * labels)).astype(np.float32)
    eta = random.normal(0, 0.8 + 0.3 * labels).astype(np.float32)
    images = np.zeros((EVENTS, 1, 2, 2), np.float32)
    images[:, 0, 0, 0] = pt
    columns = {"pt": pt, "eta": eta, "bad": np.full(EVENTS, np.nan, np.float32)}
    file = path / "shards/train-00000.h5"
    write_events(file, SparseImages.from_dense(images), labels, columns)
    shard = ShardInfo.of(path, file, EVENTS)
    splits = {"train": SplitInfo(EVENTS, {"a": 1, "b": 1}, (shard,))}
    names = ("bad", "eta", "pt")
    write_json(path / "store.json", StoreInfo("i", "n", SPEC, ("a", "b"), names, {}, splits, ()).to_dict())
    return open_store(path)


def read(store, **options):
    steps = build_transforms([Transform("reweight", options)], SPEC, ["a", "b"])
    loader = StoreLoader(store, "train", batch_size=500, shuffle=True, seed=1, transforms=steps)
    batches = list(loader)
    pt = torch.cat([batch.images[:, 0, 0, 0] for batch in batches]).numpy()
    labels = torch.cat([batch.labels for batch in batches]).numpy()
    return pt, labels, torch.cat([batch.weights for batch in batches]).numpy()


def spectrum(pt, weights):
    counts, _ = np.histogram(pt, bins=np.quantile(pt, np.linspace(0, 1, 9)), weights=weights)
    return counts / counts.sum()


def test_matched_classes_have_one_spectrum(spectra):
    pt, labels, weights = read(spectra, bins=16)
    edges = np.quantile(pt, np.linspace(0, 1, 9))
    first, second = (np.histogram(pt[labels == k], edges, weights=weights[labels == k])[0] for k in (0, 1))
    np.testing.assert_allclose(first / first.sum(), second / second.sum(), atol=0.01)
    for k in (0, 1):
        assert weights[labels == k].mean() == pytest.approx(1, abs=0.03)


def test_flat_is_flat_in_every_class(spectra):
    pt, labels, weights = read(spectra, columns=["pt"], to="flat", bins=8, most=50)
    edges = np.quantile(pt, np.linspace(0, 1, 9))
    edges[0], edges[-1] = 0, 1e9
    for k in (0, 1):
        counts, _ = np.histogram(pt[labels == k], edges, weights=weights[labels == k])
        np.testing.assert_allclose(counts / counts.sum(), 1 / 8, atol=0.01)


def test_resampling_draws_by_weight(spectra):
    pt, labels, weights = read(spectra, columns=["pt"], bins=8, resample=True)
    assert (weights == 1).all()
    edges = np.quantile(pt, np.linspace(0, 1, 5))
    first, second = (np.histogram(pt[labels == k], edges)[0] / (labels == k).sum() for k in (0, 1))
    np.testing.assert_allclose(first, second, atol=0.03)


def test_missing_columns_are_named(spectra):
    with pytest.raises(StoreError, match="no column 'ptt'; did you mean 'pt'"):
        read(spectra, columns=["ptt"])
    with pytest.raises(StoreError, match="column 'bad' has missing values"):
        read(spectra, columns=["bad"])
