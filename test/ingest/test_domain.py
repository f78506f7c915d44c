"""The domain is what the training events cover; a recipe may say more."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.simulation import electron_photon
from RecoE2E.ParticleViT.store import Domain, open_store


def test_measured_on_the_training_events(tmp_path):
    electron_photon.write_hdf5(tmp_path / "a.h5", 400, 5)
    ingest_files(load_recipe("electron_photon"), tmp_path / "store", str(tmp_path / "a.h5"))
    store = open_store(tmp_path / "store")
    columns, _ = store.read_columns("train", ["eta", "ieta"])
    domain = store.image.domain
    assert domain.pt == (10.0, None)  # as the recipe says, not the 50 GeV of the simulation
    low, high = domain.abs_eta
    assert low <= np.abs(columns["eta"]).min() < low + 0.1
    assert high - 0.1 < np.abs(columns["eta"]).max() <= high
    ieta = columns["ieta"]
    assert domain.seed_rows == (55 + 85 + ieta.min(), 55 + 84 + ieta.max())


def test_what_a_file_does_not_say_is_no_limit(tmp_path):
    electron_photon.write_hdf5(tmp_path / "all.h5", 100, 5)
    with h5py.File(tmp_path / "all.h5") as whole, h5py.File(tmp_path / "bare.h5", "w") as bare:
        for name in ("X", "y"):
            bare[name] = whole[name][()]
    ingest_files(load_recipe("electron_photon"), tmp_path / "store", str(tmp_path / "bare.h5"))
    domain = open_store(tmp_path / "store").image.domain
    assert domain == Domain(pt=(10.0, None))


def test_limits_are_closed_and_nan_is_outside_of_all():
    domain = Domain(pt=(10.0, None), abs_eta=(0.0, 1.44))
    assert domain.contains("pt", 10.0)
    assert domain.contains("pt", 1e9)
    assert not domain.contains("pt", 9.9)
    assert not domain.contains("abs_eta", 1.5)
    assert domain.contains("seed_rows", 1e9)
    assert not domain.contains("seed_rows", np.nan)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ({"eta": [0, 1]}, "image.domain names 'eta'; did you mean 'abs_eta'"),
        ({"pt": [3]}, r"give \[least, largest\]"),
        ({"abs_eta": [2.0, 1.0]}, r"give \[least, largest\]"),
    ],
)
def test_domains_that_are_none(domain, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("top_tagging", {"image.domain": domain})


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ({"name": "time", "unit": "ns"}, "'time' is without a kind .*, in 'ns'"),
        ({"name": "time", "unit": "GeV", "kind": "time"}, "'time' is of kind time, in 'GeV'"),
        ({"name": "n", "unit": "1", "kind": "energy"}, "'n' is of kind energy, in '1'"),
    ],
)
def test_kinds_and_units_go_together(channel, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("quark_gluon", {"model.name": "vit", "image.channels": [channel]})
