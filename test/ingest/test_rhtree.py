from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from RecoE2E.ParticleViT.errors import InputError, RecipeError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store

EVENTS = 6


def collisions(events=EVENTS, jets=2):
    """Whole-detector images and seeds; one jet near the edge, one across the seam of iphi."""
    random = np.random.default_rng(4)

    def image(cells):
        return (random.exponential(1, (events, cells)) * (random.random((events, cells)) < 0.05)).astype("f4")

    columns = {"ECAL_energy": image(100800), "ECAL_tracksPt": image(100800), "HBHE_energy": image(4032)}
    columns["jetSeed_ieta"] = random.integers(12, 44, (events, jets)).astype("f4")
    columns["jetSeed_iphi"] = random.integers(0, 72, (events, jets)).astype("f4")
    columns["jetSeed_ieta"][1, 0] = 11  # its window leaves the detector
    columns["jetSeed_iphi"][2, 1] = 71
    columns["jetPt"] = random.uniform(70, 300, (events, jets)).astype("f4")
    columns["jetM"] = columns["jetPt"] / 10
    columns["jetIsQuark"] = (np.arange(events * jets).reshape(events, jets) % 2).astype("f4")
    return columns


def superclusters(events=EVENTS, objects=1):
    random = np.random.default_rng(5)
    columns = {
        name: (random.random((events, 61200)) * (random.random((events, 61200)) < 0.02)).astype("f4")
        for name in ("EB_energy", "EB_time")
    }
    columns["SC_ieta"] = random.integers(16, 154, (events, objects)).astype("f4")
    columns["SC_iphi"] = random.integers(0, 360, (events, objects)).astype("f4")
    columns["pho_pT"] = np.full((events, objects), 50, "f4")
    return columns


def crop_slowly(image, row, column, height, width, seed_row, seed_column):
    result = np.zeros((height, width), np.float32)
    for i in range(height):
        for j in range(width):
            r, c = row - seed_row + i, (column - seed_column + j) % image.shape[1]
            if 0 <= r < image.shape[0]:
                result[i, j] = image[r, c]
    return result


def expected_jet(columns, event, jet):
    row = int(columns["jetSeed_ieta"][event, jet]) * 5 + 2
    column = int(columns["jetSeed_iphi"][event, jet]) * 5 + 2
    hcal = np.repeat(np.repeat(columns["HBHE_energy"][event].reshape(56, 72) / np.float32(25), 5, 0), 5, 1)
    ecal = columns["ECAL_energy"][event].reshape(280, 360)
    tracks = columns["ECAL_tracksPt"][event].reshape(280, 360)
    return np.stack([crop_slowly(image, row, column, 125, 125, 62, 62) for image in (tracks, ecal, hcal)])


def write_root(path: Path, columns, tree="fevt/RHTree") -> Path:
    np.savez(path.with_suffix(".npz"), **columns)
    script = Path(__file__).with_name("write_with_root.py")
    subprocess.run([sys.executable, str(script), str(path.with_suffix(".npz")), str(path), tree], check=True)
    return path


def write_uproot(path: Path, columns, tree="fevt/RHTree") -> Path:
    def jagged(values):
        return ak.from_regular(ak.Array(values), axis=None) if values.ndim > 1 else values

    with uproot.recreate(path) as file:
        array = {name: jagged(values) for name, values in columns.items()}
        types = {n: (v.dtype if isinstance(v, np.ndarray) else ak.type(v).content) for n, v in array.items()}
        file.mktree(tree, types)
        file[tree].extend(array)
    return path


WRITERS = [
    write_uproot,
    pytest.param(write_root, marks=pytest.mark.needs("ROOT")),
]


def read_all(path, recipe):
    source = open_source(str(path), recipe)
    return source.read(0, source.entries)


@pytest.mark.parametrize("write", WRITERS)
def test_jets_with_vector_branches(tmp_path, write):
    columns = collisions()
    events = read_all(write(tmp_path / "jets.root", columns), load_recipe("quark_gluon"))
    chosen = [(event, jet) for event in range(EVENTS) for jet in range(2) if (event, jet) != (1, 0)]
    assert events.entries.tolist() == [event for event, _ in chosen]
    assert events.labels.tolist() == [columns["jetIsQuark"][place] for place in chosen]
    np.testing.assert_array_equal(events.columns["pt"], [columns["jetPt"][place] for place in chosen])
    np.testing.assert_array_equal(
        events.columns["iphi"], [columns["jetSeed_iphi"][place] for place in chosen]
    )
    dense = events.images.to_dense()
    for number, place in enumerate(chosen):
        np.testing.assert_array_equal(dense[number], expected_jet(columns, *place))


@pytest.mark.parametrize("write", WRITERS)
def test_jets_with_one_scalar_branch_per_jet(tmp_path, write):
    columns = collisions()
    whole = read_all(write(tmp_path / "new.root", columns), load_recipe("quark_gluon"))
    for name in ("jetSeed_ieta", "jetSeed_iphi", "jetPt", "jetM", "jetIsQuark"):
        values = columns.pop(name)
        columns |= {f"{name}{jet}": values[:, jet] for jet in range(2)}
    suffixed = read_all(write(tmp_path / "old.root", columns), load_recipe("quark_gluon"))
    np.testing.assert_array_equal(whole.images.value, suffixed.images.value)
    np.testing.assert_array_equal(whole.labels, suffixed.labels)
    np.testing.assert_array_equal(whole.columns["mass"], suffixed.columns["mass"])


@pytest.mark.parametrize("write", WRITERS)
def test_superclusters_from_the_barrel_image(tmp_path, write):
    columns = superclusters()
    columns["SC_ieta"][3, 0] = 3  # too near the edge
    path = write(tmp_path / "SinglePhoton.root", columns)
    events = read_all(path, load_recipe("electron_photon"))
    assert events.entries.tolist() == [0, 1, 2, 4, 5]
    assert events.labels.tolist() == [0] * 5
    assert events.columns["pt"].tolist() == [50] * 5
    dense = events.images.to_dense()
    for number, event in enumerate(events.entries):
        row, column = int(columns["SC_ieta"][event, 0]), int(columns["SC_iphi"][event, 0])
        for channel, name in enumerate(("EB_energy", "EB_time")):
            image = columns[name][event].reshape(170, 360)
            expected = crop_slowly(image, row, column, 32, 32, 16, 16)
            np.testing.assert_array_equal(dense[number, channel], expected)


@pytest.mark.needs("ROOT")
def test_superclusters_cropped_by_the_producer(tmp_path):
    random = np.random.default_rng(6)
    columns = superclusters(objects=2)
    for name in ("EB_energy", "EB_time"):
        del columns[name]
    columns["SC_energy"] = random.random((EVENTS, 2, 1024)).astype("f4")
    columns["SC_time"] = random.normal(size=(EVENTS, 2, 1024)).astype("f4")
    path = write_root(tmp_path / "SingleElectron.root", columns)
    dense = read_all(path, load_recipe("electron_photon")).images.to_dense()
    np.testing.assert_array_equal(dense[:, 0], columns["SC_energy"].reshape(-1, 32, 32))
    np.testing.assert_array_equal(dense[:, 1], columns["SC_time"].reshape(-1, 32, 32))


def test_store_keeps_jets_of_a_collision_together(tmp_path):
    write_uproot(tmp_path / "jets.root", collisions(events=40))
    ingest_files(load_recipe("quark_gluon"), tmp_path / "store", str(tmp_path / "jets.root"))
    store = open_store(tmp_path / "store")
    entries = [set(store.read(split).columns["entry"].tolist()) for split in store.info.splits]
    assert sum(len(some) for some in entries) == len(set.union(*entries)) == 40


def test_mistakes_are_named(tmp_path):
    columns = collisions()
    recipe = load_recipe("quark_gluon")
    short = {**columns, "HBHE_energy": columns["HBHE_energy"][:, :4000]}
    with pytest.raises(InputError, match="'HBHE_energy' has 4000 cells, expected 61200 .*4032"):
        read_all(write_uproot(tmp_path / "a.root", short), recipe)
    bad = {**columns, "ECAL_energy": np.where(columns["ECAL_energy"] > 0, np.nan, 0).astype("f4")}
    with pytest.raises(InputError, match="entry 0: 'ECAL_energy' is nan"):
        read_all(write_uproot(tmp_path / "b.root", bad), recipe)
    less = {name: values for name, values in columns.items() if name != "jetSeed_ieta"}
    with pytest.raises(InputError, match="has no 'jetSeed_ieta'.*did you mean 'jetSeed_iphi'"):
        read_all(write_uproot(tmp_path / "c.root", less), recipe)
    other = {**columns, "jetIsQuark": columns["jetIsQuark"][:, :1]}
    with pytest.raises(InputError, match="'jetIsQuark' has another number of objects"):
        read_all(write_uproot(tmp_path / "d.root", other), recipe)
    with pytest.raises(RecipeError, match="objects 'jet'; did you mean 'jets'"):
        read_all(tmp_path / "a.root", load_recipe("quark_gluon", {"inputs.options": {"objects": "jet"}}))
    recipe.image.channels[0].name = "muons"
    with pytest.raises(RecipeError, match="name the branch of channel 'muons'"):
        read_all(tmp_path / "a.root", recipe)
