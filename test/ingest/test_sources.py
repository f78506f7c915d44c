from __future__ import annotations

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from RecoE2E.ParticleViT.errors import InputError, RecipeError
from RecoE2E.ParticleViT.ingest.labels import class_of_file, classify, label_values
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import Channel, Label, load_recipe


def read_all(path, recipe):
    source = open_source(str(path), recipe)
    return source.read(0, source.entries)


def test_ttree_rntuple_and_parquet_give_the_same_events(tmp_path, helpers, recipe):
    jets = helpers.jets(200)
    helpers.root(tmp_path / "a.root", jets)
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mkrntuple("Events", ak.Array(jets))
    ak.to_parquet(ak.Array(jets), tmp_path / "c.parquet")
    first, *others = (read_all(tmp_path / name, recipe) for name in ("a.root", "b.root", "c.parquet"))
    assert len(first) == 200
    for other in others:
        np.testing.assert_array_equal(first.images.value, other.images.value)
        np.testing.assert_array_equal(first.images.index, other.images.index)
        np.testing.assert_array_equal(first.labels, other.labels)
        np.testing.assert_array_equal(first.columns["mass"], other.columns["mass"])


def test_real_rntuple_equals_the_same_jets_in_a_ttree(shared_data, recipe):
    source = open_source(str(shared_data / "top_tagging_test.root"), recipe)
    tree = source.read(9000, 10_000)
    ntuple = read_all(shared_data / "top_tagging_rntuple_1k.root", recipe)
    np.testing.assert_array_equal(tree.labels, ntuple.labels)
    np.testing.assert_array_equal(tree.images.value, ntuple.images.value)
    assert 550 < np.median(ntuple.columns["pt"]) < 650


def test_real_parquet_with_rapidity_and_pdg_ids(shared_data):
    recipe = load_recipe("top_tagging")
    recipe.inputs.fields = {
        "pt": "part_pt", "rapidity": "part_rapidity", "phi": "part_phi", "pdgid": "part_pdgid"
    }  # fmt: skip
    recipe.inputs.label = Label("is_quark", {"qcd": [0], "top": [1]})
    recipe.image.channels = [
        Channel("tracks", particles="charged"),
        Channel("photons", particles="photon"),
        Channel("hadrons", particles="neutral_hadron"),
    ]
    events = read_all(shared_data / "quark_gluon_pythia_10k.parquet", recipe)
    assert len(events) == 10_000
    dense = events.images.slice(0, 1000).to_dense().sum((2, 3))
    assert (dense.mean(axis=0) > 0).all()
    assert dense[:, 0].sum() > dense[:, 1].sum() > dense[:, 2].sum()  # tracks carry most, then photons


def test_labels_outside_the_classes_are_not_selected(tmp_path, helpers, recipe):
    jets = helpers.jets(50)
    jets["is_signal"][10:20] = 7
    events = read_all(helpers.root(tmp_path / "a.root", jets), recipe)
    assert events.entries.tolist() == [*range(10), *range(20, 50)]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("part_energy", np.nan, "entry 7: 'part_energy' is nan, which is not finite"),
        ("part_px", np.inf, "entry 7: 'part_px' is inf, which is not finite"),
        ("part_energy", -1.0, "entry 7: 'part_energy' is -1, which is negative"),
    ],
)
def test_bad_values_name_file_entry_and_field(tmp_path, helpers, recipe, field, value, message):
    jets = helpers.jets(20)
    content = jets[field].to_list()
    content[7][0] = value
    jets[field] = ak.values_astype(ak.Array(content), np.float32)
    path = helpers.root(tmp_path / "a.root", jets)
    with pytest.raises(InputError, match=message):
        read_all(path, recipe)


def test_lists_of_different_lengths(tmp_path, recipe):
    jets = {
        "part_px": [[1.0, 2.0]], "part_py": [[1.0, 2.0]], "part_pz": [[1.0]],
        "part_energy": [[1.0, 2.0]], "is_signal": [1],
    }  # fmt: skip
    pq.write_table(pa.table(jets), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="entry 0: 'part_pz' and 'part_px' have different numbers"):
        read_all(tmp_path / "a.parquet", recipe)


def test_jagged_against_flat(tmp_path, recipe):
    flat = {name: np.ones(4) for name in ("part_px", "part_py", "part_pz", "part_energy", "is_signal")}
    pq.write_table(pa.table(flat), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="'part_px' .* is double, expected a list of numbers per entry"):
        read_all(tmp_path / "a.parquet", recipe)


def test_wrong_recipes_are_named(tmp_path, helpers, recipe):
    path = helpers.root(tmp_path / "a.root", helpers.jets(5))
    recipe.inputs.fields = {"px": "part_px", "phi": "part_py"}
    with pytest.raises(RecipeError, match="expected px, py, pz, energy, or pt"):
        open_source(str(path), recipe)
    recipe.inputs.fields = {"x": "part_px"}
    with pytest.raises(RecipeError, match="inputs.fields 'x': unknown"):
        open_source(str(path), recipe)


def test_extra_columns_are_kept_or_nan(tmp_path, helpers, recipe):
    path = helpers.root(tmp_path / "a.root", {**helpers.jets(5), "weight": np.arange(5) * 0.5})
    recipe.inputs.columns = {"weight": "weight", "other": "missing"}
    columns = read_all(path, recipe).columns
    assert columns["weight"].tolist() == [0, 0.5, 1, 1.5, 2]
    assert np.isnan(columns["other"]).all()


# images


def image_recipe(**overrides):
    return load_recipe("electron_photon", {f"inputs.options.{k}": v for k, v in overrides.items()})


def make_images(events=12, channels=2):
    random = np.random.default_rng(5)
    images = random.random((events, 32, 32, channels)).astype(np.float32)
    return images * (random.random(images.shape) < 0.1)


def test_hdf5_images_are_scaled_back_and_transposed(tmp_path, helpers):
    images = make_images()
    images[..., 1] -= 0.2 * (images[..., 1] > 0)
    pt = np.linspace(45, 55, 12)
    path = helpers.images(tmp_path / "a.hdf5", images, np.arange(12) % 2, pt=pt)
    events = read_all(path, image_recipe())
    np.testing.assert_allclose(events.images.to_dense(), images.transpose(0, 3, 1, 2) * 50, rtol=1e-6)
    np.testing.assert_array_equal(events.labels, np.arange(12) % 2)
    np.testing.assert_allclose(events.columns["pt"], pt, rtol=1e-6)
    assert np.isnan(events.columns["eta"]).all()


def test_layouts(tmp_path, helpers):
    images = make_images()
    helpers.images(tmp_path / "a.hdf5", images, np.arange(12) % 2)
    helpers.images(tmp_path / "b.hdf5", images.transpose(0, 3, 1, 2), np.arange(12) % 2)
    first = read_all(tmp_path / "a.hdf5", image_recipe())
    second = read_all(tmp_path / "b.hdf5", image_recipe(layout="NCHW"))
    np.testing.assert_array_equal(first.images.value, second.images.value)
    with pytest.raises(InputError, match=r"shape \(32, 32, 2\).* asks for \(2, 32, 32\)"):
        read_all(tmp_path / "a.hdf5", image_recipe(layout="NCHW"))
    with pytest.raises(RecipeError, match="layout 'NHHC'; did you mean 'NHWC'"):
        read_all(tmp_path / "a.hdf5", image_recipe(layout="NHHC"))


@pytest.mark.parametrize("squeeze", [False, True])
def test_energy_only_gets_an_empty_time_channel(tmp_path, helpers, squeeze):
    images = make_images(channels=1)
    path = helpers.images(tmp_path / "a.hdf5", images[..., 0] if squeeze else images, np.arange(12) % 2)
    dense = read_all(path, image_recipe()).images.to_dense()
    np.testing.assert_allclose(dense[:, 0], images[..., 0] * 50, rtol=1e-6)
    assert (dense[:, 1] == 0).all()


def test_real_crops_are_in_gev(shared_data):
    events = read_all(shared_data / "electron_photon_cms_ecal_100.hdf5", image_recipe())
    dense = events.images.to_dense()
    assert dense.shape == (100, 2, 32, 32)
    assert 50 < dense[:, 0].sum((1, 2)).mean() < 75
    assert events.images.offsets[-1] / 100 == pytest.approx(48, abs=5)


def test_bad_images(tmp_path, helpers):
    images = make_images()
    images[3, 4, 5, 0] = np.nan
    path = helpers.images(tmp_path / "a.hdf5", images, np.arange(12) % 2)
    with pytest.raises(InputError, match="entry 3: 'X, channel energy' is nan"):
        read_all(path, image_recipe())
    images[3, 4, 5, 0] = -1
    path = helpers.images(tmp_path / "a.hdf5", images, np.arange(12) % 2)
    with pytest.raises(InputError, match="entry 3: 'X, channel energy' is -50, which is negative"):
        read_all(path, image_recipe())
    path = helpers.images(tmp_path / "a.hdf5", images[:, :30], np.arange(12) % 2)
    with pytest.raises(InputError, match=r"\(2, 30, 32\).* asks for \(2, 32, 32\)"):
        read_all(path, image_recipe())


def test_one_file_per_class(tmp_path, helpers):
    recipe = image_recipe()
    recipe.inputs.label = Label(files={"photon": "SinglePhoton", "electron": "singleelectron"})
    path = helpers.images(tmp_path / "SingleElectronPt50.hdf5", make_images(), np.arange(12))
    assert read_all(path, recipe).labels.tolist() == [1] * 12
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["X"] = make_images()
    with pytest.raises(InputError, match="the name fits no class of inputs.label.files"):
        read_all(tmp_path / "other.hdf5", recipe)


def test_label_rules():
    classes = ["a", "b", "c"]
    assert label_values(Label("x"), classes) == [[0], [1], [2]]
    assert classify(np.array([3.0, 1, 2, 9]), [[1], [], [2, 3]]).tolist() == [2, 0, 2, -1]
    with pytest.raises(RecipeError, match="one value means two classes"):
        label_values(Label("x", values={"a": [1], "b": [1]}), classes)
    with pytest.raises(InputError, match="fits the classes a and b"):
        class_of_file("xy.root", Label(files={"a": "x", "b": "y"}), classes)
