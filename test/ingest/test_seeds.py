"""Seeds are measured on the data: another convention is refused, or mended on request."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.errors import InputError, RecipeError
from RecoE2E.ParticleViT.exploration.explore import explore_files
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.ingest.seeds import SeedCounts, shift_images
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.simulation import electron_photon
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec, SparseImages, open_store

JETS = ImageSpec((ChannelSpec("hcal", "GeV", "energy"),), 15, 15, (7, 7))


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """Simulated crops with the seed at [16, 16], and the same with it at [15, 15] as in other ntuples."""
    folder = tmp_path_factory.mktemp("crops")
    electron_photon.write_hdf5(folder / "a.h5", 400, 5)
    with h5py.File(folder / "a.h5") as file, h5py.File(folder / "b.h5", "w") as other:
        for name, dataset in file.items():
            other[name] = np.roll(dataset[:], (-1, -1), (1, 2)) if name == "X" else dataset[:]
    return folder


def test_a_shift_of_one_crystal_is_refused(crops, tmp_path):
    message = r"b\.h5: the highest cell of channel energy is at \[15, 15\] in 2\d\d of 256 images, "
    with pytest.raises(
        InputError, match=message + r"but image\.seed is \[16, 16\]; .*inputs\.recentre: true"
    ):
        ingest_files(load_recipe("electron_photon"), tmp_path / "store", str(crops / "*.h5"))
    assert not (tmp_path / "store").exists()
    ingest_files(
        load_recipe("electron_photon", {"image.seed": [15, 15]}), tmp_path / "b", str(crops / "b.h5")
    )
    assert open_store(tmp_path / "b").image.seed == (15, 15)


def test_files_of_both_conventions_go_together_on_request(crops, tmp_path):
    recipe = load_recipe("electron_photon", {"inputs.recentre": True})
    ingest_files(recipe, tmp_path / "store", str(crops / "*.h5"))
    store = open_store(tmp_path / "store")
    batch = store.read("train")
    flat = batch.images[:, 0].reshape(len(batch.images), -1)
    seeded = flat.argmax(axis=1) == 16 * 32 + 16
    assert seeded.mean() > 0.97
    both = {source: seeded[batch.columns["source"] == source].mean() for source in (0, 1)}
    assert min(both.values()) > 0.97


def test_explore_warns_on_top(crops, tmp_path):
    explore_files(load_recipe("electron_photon"), [str(crops / "b.h5")], tmp_path)
    page = (tmp_path / "explore.html").read_text()
    warning = page.index("Seed: b.h5: the highest cell of channel energy is at [15, 15]")
    assert warning < page.index("<h2")
    assert "image.seed is [16, 16]" in page


def test_the_seed_of_real_crops_is_the_recipe_s(shared_data):
    with h5py.File(shared_data / "electron_photon_cms_ecal_100.hdf5") as file:
        images = np.ascontiguousarray(file["X"][:].transpose(0, 3, 1, 2))
    for seed, found in (((16, 16), None), ((15, 15), (16, 16))):
        counts = SeedCounts(ImageSpec((ChannelSpec("energy", "GeV", "energy"),), 32, 32, seed))
        counts.add(SparseImages.from_dense(images))
        assert (counts.finding() and counts.finding().seed) == found


def test_towers_count_where_they_touch_the_seed():
    images = np.zeros((50, 1, 15, 15), np.float32)
    images[:, 0, 5:10, 5:10] = 1.0
    for shift, found in ((0, None), (2, None), (3, (8, 8))):
        counts = SeedCounts(JETS)
        counts.add(SparseImages.from_dense(np.roll(images, (shift, shift), (2, 3))))
        assert (counts.finding() and counts.finding().seed) == found


def test_no_verdict_without_evidence():
    random = np.random.default_rng(1)
    counts = SeedCounts(JETS)
    counts.add(SparseImages.from_dense(random.exponential(1, (200, 1, 15, 15)).astype(np.float32)))
    assert counts.finding() is None  # the highest cell may be anywhere
    few = SeedCounts(JETS)
    one = np.zeros((10, 1, 15, 15), np.float32)
    one[:, 0, 2, 2] = 1.0
    few.add(SparseImages.from_dense(one))
    assert few.finding() is None


@given(rows=st.integers(-6, 6), columns=st.integers(-6, 6), seed=st.integers(0, 99))
def test_shifts_lose_what_leaves_and_nothing_else(rows, columns, seed):
    random = np.random.default_rng(seed)
    dense = (random.random((3, 2, 5, 4)) * (random.random((3, 2, 5, 4)) < 0.4)).astype(np.float32)
    found = shift_images(SparseImages.from_dense(dense), rows, columns).to_dense()
    padded = np.pad(dense, ((0, 0), (0, 0), (6, 6), (6, 6)))
    expected = padded[:, :, 6 - rows : 11 - rows, 6 - columns : 10 - columns]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", [[32, 0], [-1, 3], [4], [1, 2, 3]])
def test_a_seed_outside_of_the_image(seed):
    with pytest.raises(RecipeError, match=r"image\.seed is .*give the row and column of a cell"):
        load_recipe("electron_photon", {"image.seed": seed})
