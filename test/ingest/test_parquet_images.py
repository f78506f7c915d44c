from __future__ import annotations

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from RecoE2E.ParticleViT.errors import InputError, RecipeError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store


def make_images(jets=12, channels=3, size=125):
    random = np.random.default_rng(2)
    images = random.random((jets, channels, size, size))
    return images * (random.random(images.shape) < 0.03)


def write(path, images, name="X_jets", group=1, labels=None, **columns):
    table = {name: images.tolist(), "y": np.arange(len(images)) % 2 if labels is None else labels, **columns}
    pq.write_table(pa.table(table), path, row_group_size=group, compression="snappy")
    return path


def read_all(path, recipe):
    source = open_source(str(path), recipe)
    return source.read(0, source.entries)


@pytest.mark.parametrize(("name", "group"), [("X_jets", 1), ("X_jet", 5), ("X_jets", 100)])
def test_public_layout_with_any_row_groups(tmp_path, name, group):
    images = make_images()
    pt = np.linspace(70, 200, 12)
    path = write(tmp_path / "a.parquet", images, name, group, pt=pt, m0=pt / 10)
    source = open_source(str(path), load_recipe("quark_gluon"))
    assert source.missing == ["ieta", "iphi"]
    for start, stop in ((0, 12), (3, 8)):
        events = source.read(start, stop)
        np.testing.assert_allclose(events.images.to_dense(), images[start:stop], rtol=1e-6)
        np.testing.assert_allclose(events.columns["mass"], pt[start:stop] / 10, rtol=1e-6)
        np.testing.assert_array_equal(events.labels, np.arange(start, stop) % 2)


def test_endcaps_of_the_public_converter_on_request(tmp_path):
    """Rows 0-54 and 225-279 of the whole detector are the endcaps'; ieta is the seed's tower."""
    images = np.ones((3, 3, 125, 125))
    path = write(tmp_path / "a.parquet", images, ieta=[12, 28, 43], iphi=[0, 1, 2])
    found = read_all(path, load_recipe("quark_gluon", {"inputs.options": {"endcap_scale": {"ecal": 4.0}}}))
    dense = found.images.to_dense()
    assert (dense[:, [0, 2]] == 1).all()
    rows = np.arange(125)[None, :] + 5 * np.array([12, 28, 43])[:, None] + 2 - 62  # of the whole detector
    expected = np.where((rows < 55) | (rows >= 225), 4.0, 1.0)
    np.testing.assert_array_equal(dense[:, 1], np.broadcast_to(expected[:, :, None], (3, 125, 125)))
    assert (read_all(path, load_recipe("quark_gluon")).images.value == 1).all()


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [
        ({"ecla": 4.0}, RecipeError, "did you mean 'ecal'"),
        ({"ecal": 0.0}, RecipeError, "give a number above 0"),
        ({"ecal": 4.0}, InputError, "entry 1: the seed tower is 99.0, expected 0 to 55"),
    ],
)
def test_endcap_scales_that_make_no_sense(tmp_path, scale, error, message):
    path = write(tmp_path / "a.parquet", make_images(2), ieta=[12, 99], iphi=[0, 1])
    with pytest.raises(error, match=message):
        read_all(path, load_recipe("quark_gluon", {"inputs.options": {"endcap_scale": scale}}))


def test_hdf5_relatives_and_channel_choice(tmp_path):
    images = make_images(channels=4)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X_jets"] = images.transpose(0, 2, 3, 1).astype(np.float32)
        file["y_jets"], file["jetPt"], file["jetM"] = np.arange(12) % 2, np.ones(12), np.ones(12)
    with pytest.raises(InputError, match=r"\(4, 125, 125\).*asks for \(3, 125, 125\).*pick"):
        read_all(tmp_path / "a.h5", load_recipe("quark_gluon"))
    events = read_all(tmp_path / "a.h5", load_recipe("quark_gluon", {"inputs.options": {"pick": [0, 2, 3]}}))
    np.testing.assert_allclose(events.images.to_dense(), images[:, [0, 2, 3]], rtol=1e-6)
    with pytest.raises(RecipeError, match="pick.*expected one number for each"):
        read_all(tmp_path / "a.h5", load_recipe("quark_gluon", {"inputs.options": {"pick": [0]}}))


def test_eight_channels(tmp_path):
    channels = [{"name": f"layer{number}"} for number in range(8)]
    recipe = load_recipe("quark_gluon")
    recipe.image.channels = [type(recipe.image.channels[0])(**channel) for channel in channels]
    images = make_images(channels=8, jets=4)
    events = read_all(write(tmp_path / "a.parquet", images, "X_jet"), recipe)
    assert events.images.index.dtype == np.uint32
    np.testing.assert_allclose(events.images.to_dense(), images, rtol=1e-6)


def test_bad_parquet_images(tmp_path):
    recipe = load_recipe("quark_gluon")
    images = make_images(jets=4)
    with pytest.raises(InputError, match=r"\(3, 64, 64\).*asks for \(3, 125, 125\)"):
        read_all(write(tmp_path / "a.parquet", images[..., :64, :64]), recipe)
    ragged = images.tolist()
    ragged[2][1] = ragged[2][1][:100]
    pq.write_table(pa.table({"X_jets": ragged, "y": [0, 1, 0, 1]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="images of different sizes"):
        read_all(tmp_path / "b.parquet", recipe)
    images[1, 2, 3, 4] = np.nan
    with pytest.raises(InputError, match="entry 1: 'X_jets, channel hcal' is nan"):
        read_all(write(tmp_path / "c.parquet", images), recipe)


def test_store_of_parquet_images(tmp_path):
    images = make_images(jets=40)
    write(tmp_path / "a.parquet", images)
    ingest_files(load_recipe("quark_gluon"), tmp_path / "store", str(tmp_path / "*.parquet"))
    store = open_store(tmp_path / "store")
    for split in ("train", "validation", "test"):
        batch = store.read(split)
        np.testing.assert_allclose(batch.images, images[batch.columns["entry"]], rtol=1e-6)
