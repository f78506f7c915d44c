from __future__ import annotations

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pytest
import uproot

from RecoE2E.ParticleViT.errors import InputError, RecipeError
from RecoE2E.ParticleViT.ingest.plan import expand
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.ingest.tables.opening import open_table
from RecoE2E.ParticleViT.recipe import Label, load_recipe


def read_all(path, recipe, everything=False):
    source = open_source(str(path), recipe, everything)
    return source.read(0, source.entries)


def check_same(first, second):
    np.testing.assert_array_equal(first.images.offsets, second.images.offsets)
    np.testing.assert_array_equal(first.images.index, second.images.index)
    np.testing.assert_array_equal(first.images.value, second.images.value)
    np.testing.assert_array_equal(first.labels, second.labels)


def write_table(path, columns) -> None:
    """Write Feather or CSV; NaN becomes an empty place."""
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pyarrow.feather.write_feather(table, str(path))


def particles_of(images) -> np.ndarray:
    return images.to_dense().sum(axis=(1, 2, 3))


# ---------------------------------------------------------------- CMS, EDM4hep


def pfnano(jets: str, label: str | None = None):
    recipe = load_recipe("quark_gluon_pfnano")
    recipe.inputs.options = {"jets": jets, "min_pt": 0}
    recipe.inputs.label = Label(label, {"gluon": [21], "quark": [1, 2, 3, -1, -2, -3]})
    recipe.inputs.label.unlabelled = label is None
    return recipe


def test_nanoaod_from_version_15_on(shared_data):
    path = shared_data / "cms_nanoaod_v15_200events.root"
    events = read_all(path, pfnano("FatJet"), everything=True)
    with uproot.open(path) as file:
        tree = file["Events"]
        pt, links = tree["FatJet_pt"].array(), tree["FatJetPFCand_jetIdx"].array()
        assert len(events) == ak.sum(ak.num(pt))
        counts = ak.flatten(ak.sum(links[:, None] == ak.local_index(pt), axis=2))
    drawn = events.status == 0
    np.testing.assert_array_equal(drawn, np.asarray(counts) > 0)
    np.testing.assert_allclose(events.columns["multiplicity"][drawn], np.asarray(counts)[drawn], atol=2)
    share = particles_of(events.images)[drawn] / events.columns["pt"][drawn]
    assert 0.3 < np.median(share) < 1.2


def test_jets_without_candidates_name_those_that_have_some(shared_data):
    with pytest.raises(InputError, match="has no candidates of 'Jet' .* of FatJet; set inputs"):
        read_all(shared_data / "cms_nanoaod_v15_200events.root", pfnano("Jet"))


def test_scouting_nanoaod_is_refused_with_the_reason(shared_data):
    with pytest.raises(InputError, match="no particle-flow candidates .* scouting NanoAOD"):
        read_all(shared_data / "cms_scouting_nano.root", pfnano("Jet"))


def test_pfnano_as_an_rntuple_is_as_in_a_ttree(shared_data):
    recipe = pfnano("FatJet")
    first = read_all(shared_data / "cms_pfnano_10events.root", recipe, everything=True)
    second = read_all(shared_data / "cms_pfnano_rntuple.root", recipe, everything=True)
    assert (second.status == 0).any()
    assert len(second) > 5
    table = open_table(str(shared_data / "cms_pfnano_rntuple.root"), "Events")
    with uproot.open(shared_data / "cms_pfnano_10events.root") as file:
        expected = file["Events"]["PFCands_pt"].array()
    found = table.read(["PFCands_pt"], 0, table.entries)["PFCands_pt"]
    if len(expected) == table.entries and np.array_equal(np.diff(found.offsets), ak.num(expected)):
        np.testing.assert_allclose(found.values, ak.flatten(expected), rtol=1e-6)
        check_same(first, second)


def edm4hep(**options):
    recipe = load_recipe("quark_gluon_delphes")
    recipe.inputs.source, recipe.inputs.tree, recipe.inputs.options = "edm4hep", "events", options
    recipe.inputs.fields, recipe.inputs.columns = {}, {}
    return recipe


def test_particles_of_edm4hep(shared_data):
    path = shared_data / "edm4hep_10events.root"
    events = read_all(path, edm4hep(radius=0.8), everything=True)
    with uproot.open(path) as file:
        px, py = (file["events"][f"Jet/Jet.momentum.{axis}"].array() for axis in "xy")
    np.testing.assert_allclose(events.columns["pt"], np.hypot(ak.flatten(px), ak.flatten(py)), rtol=1e-5)
    drawn = events.status == 0
    assert drawn.sum() > 10
    dense = events.images.to_dense().sum(axis=(2, 3))[drawn]
    assert (dense.max(axis=0) > 0).all()  # tracks, photons and neutral hadrons


def test_calorimeter_hits_of_edm4hep(shared_data):
    recipe = edm4hep(hits="CalorimeterHits", radius=1.0)
    with pytest.raises(RecipeError, match="hits are of no kind of particle"):
        read_all(shared_data / "edm4hep_10events.root", recipe)
    for channel in recipe.image.channels:
        channel.particles = "all"
    events = read_all(shared_data / "edm4hep_10events.root", recipe, everything=True)
    assert set(np.unique(events.status)) <= {0, 3}


def test_calorimeter_hits_lie_where_they_point_to(tmp_path):
    columns = {
        "Jet.momentum.x": [[50.0]], "Jet.momentum.y": [[0.0]], "Jet.momentum.z": [[0.0]], "Jet.mass": [[5.0]],
        "Hits.position.x": [[1000.0, 1000.0]], "Hits.position.y": [[0.0, 300.0]],
        "Hits.position.z": [[0.0, -200.0]], "Hits.energy": [[10.0, 5.0]],
    }  # fmt: skip
    arrays = {name: ak.values_astype(ak.Array(values), np.float32) for name, values in columns.items()}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("events", {name: ak.type(values).content for name, values in arrays.items()}).extend(
            arrays
        )
    recipe = edm4hep(hits=["Hits"])
    recipe.image.channels = recipe.image.channels[:1]
    recipe.image.channels[0].particles = "all"
    recipe.image.alignment = []
    image = read_all(tmp_path / "a.root", recipe, everything=True).images.to_dense()[0, 0]
    middle = recipe.image.height // 2
    assert image[middle, middle] == pytest.approx(10)
    row, column = np.argwhere(image == image[image < 9].max())[0]
    assert row < middle < column
    assert image[row, column] == pytest.approx(5 / np.cosh(np.arcsinh(-200 / np.hypot(1000, 300))), rel=1e-5)


# ---------------------------------------------------------------- arrays, tables


def test_arrays_feather_and_csv_give_the_same_jets(tmp_path, helpers, recipe):
    jets = helpers.jets(100, most=8)
    expected = read_all(helpers.root(tmp_path / "a.root", jets), recipe)
    wide = {"is_signal": jets["is_signal"]}
    for name in ("part_px", "part_py", "part_pz", "part_energy"):
        padded = ak.to_numpy(ak.fill_none(ak.pad_none(jets[name], 8, clip=True), np.nan))
        wide |= {f"{name}_{k}": padded[:, k] for k in range(8)}
    write_table(tmp_path / "b.feather", wide)
    write_table(tmp_path / "c.csv", wide)
    zeros = {
        name: ak.to_numpy(ak.fill_none(ak.pad_none(jets[name], 8, clip=True), 0.0))
        for name in ("part_px", "part_py", "part_pz", "part_energy")
    }
    np.savez(tmp_path / "d.npz", is_signal=jets["is_signal"], **zeros)
    check_same(expected, read_all(tmp_path / "b.feather", recipe))
    found = read_all(tmp_path / "c.csv", recipe)  # decimal text: the last digit may differ
    np.testing.assert_allclose(
        found.images.to_dense().sum(axis=(2, 3)), expected.images.to_dense().sum(axis=(2, 3)), rtol=1e-4
    )
    np.testing.assert_array_equal(found.labels, expected.labels)
    check_same(expected, read_all(tmp_path / "d.npz", recipe))


def test_images_in_arrays(tmp_path, helpers):
    recipe = load_recipe("electron_photon")
    images = np.random.default_rng(1).random((50, 32, 32, 2)).astype("f4")
    labels = (np.arange(50) % 2).astype("i4")
    expected = read_all(helpers.images(tmp_path / "a.hdf5", images, labels), recipe)
    np.savez(tmp_path / "a.npz", X=images, y=labels)
    check_same(expected, read_all(tmp_path / "a.npz", recipe))
    np.save(tmp_path / "electron.npy", images)
    recipe.inputs.fields = {"image": "array"}
    alone = read_all(tmp_path / "electron.npy", recipe)
    np.testing.assert_array_equal(alone.images.value, expected.images.value)
    assert (alone.labels == 1).all()  # by the name of the file


def test_damaged_arrays_say_so(tmp_path, recipe):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 no zip")
    for name in ("a.npy", "b.npz"):
        with pytest.raises(InputError, match="cannot be read"):
            read_all(tmp_path / name, recipe)
    np.savez(tmp_path / "c.npz", x=np.zeros(3), y=np.zeros(4))
    with pytest.raises(InputError, match="'x' has 3 entries, others 4"):
        read_all(tmp_path / "c.npz", recipe)


def test_a_folder_stands_for_its_files(tmp_path):
    for name in ("b.root", "a.npz", "notes.txt", ".hidden.root", "deep/c.csv"):
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    assert [path.rpartition("/")[2] for path in expand([str(tmp_path / "data")])] == [
        "a.npz",
        "b.root",
        "c.csv",
    ]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no file that ends with"):
        expand([str(tmp_path / "none")])


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("kind", ["hdf5", "npz", "csv", "feather"])
def test_labels_may_be_words(tmp_path, kind):
    words = np.array(["top", "qcd", "W"] * 10)
    images = np.random.default_rng(1).random((30, 32, 32, 2)).astype("f4")
    recipe = load_recipe("top_tagging")
    path = tmp_path / f"a.{kind}"
    fields = {"px": 2.0, "py": 1.0, "pz": 0.5, "energy": 3.0}
    recipe.inputs.fields = {role: role for role in fields}
    recipe.inputs.label = Label("kind")
    if kind in ("csv", "feather"):
        wide = {f"{role}_{k}": np.full(30, value) for role, value in fields.items() for k in (0, 1)}
        write_table(path, {"kind": words, **wide})
    elif kind == "npz":
        np.savez(path, kind=words, **{role: np.full((30, 2), value) for role, value in fields.items()})
    else:
        recipe = load_recipe("electron_photon")
        recipe.classes, recipe.inputs.label = ["qcd", "top"], Label("kind")
        with h5py.File(path, "w") as file:
            file["X"], file["kind"] = images, words.astype("S")
    events = read_all(path, recipe)
    assert events.labels.tolist() == [1, 0] * 10  # W is none of the classes
    recipe.inputs.label = Label("kind", {"qcd": ["qcd", "W"], "top": ["top"]})
    assert read_all(path, recipe).labels.tolist() == [1, 0, 0] * 10


def test_words_for_a_label_of_numbers_are_refused(jets_root, recipe):
    recipe.inputs.label = Label("is_signal", {"qcd": ["qcd"], "top": ["top"]})
    with pytest.raises(RecipeError, match="the file holds numbers, not words"):
        read_all(jets_root, recipe)


def test_labels_may_be_one_hot(tmp_path, helpers, recipe):
    jets = helpers.jets(60)
    expected = read_all(helpers.root(tmp_path / "a.root", jets), recipe)
    truth = jets.pop("is_signal")
    jets |= {"label_QCD": (truth == 0).astype("i4"), "label_Top": truth}
    recipe.inputs.label = Label(one_hot={"qcd": "label_QCD", "top": "label_Top"})
    check_same(expected, read_all(helpers.root(tmp_path / "b.root", jets), recipe))
    jets["label_QCD"][:] = 1  # where both are 1 there is no class
    assert read_all(helpers.root(tmp_path / "c.root", jets), recipe).labels.tolist() == [0] * 30
    recipe.inputs.label = Label(one_hot={"qcd": "label_QCD"})
    with pytest.raises(RecipeError, match="names no field for class 'top'"):
        read_all(tmp_path / "c.root", recipe)


def test_one_column_may_hold_one_hot_labels(tmp_path):
    recipe = load_recipe("electron_photon")
    recipe.inputs.label = Label("y")
    images, truth = np.random.default_rng(1).random((20, 32, 32, 2)).astype("f4"), np.arange(20) % 2
    np.savez(tmp_path / "a.npz", X=images, y=np.eye(2)[truth])
    assert read_all(tmp_path / "a.npz", recipe).labels.tolist() == truth.tolist()
    np.savez(tmp_path / "b.npz", X=images, y=np.eye(3)[truth])
    with pytest.raises(InputError, match="does not hold 2 numbers, one for each of photon, electron"):
        read_all(tmp_path / "b.npz", recipe)
