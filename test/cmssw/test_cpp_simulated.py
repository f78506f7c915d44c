"""Simulated hits make the same pictures and scores through an ntuple and Python, and through C++."""

import json
import shutil
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import onnxruntime
import pytest
import uproot

from RecoE2E.ParticleViT.auc import auc
from RecoE2E.ParticleViT.geometry.candidates import Candidates
from RecoE2E.ParticleViT.geometry.event_files import HitEvent, write_events
from RecoE2E.ParticleViT.geometry.grids import EB_IPHI_MAX, EB_ROWS, eb_row
from RecoE2E.ParticleViT.geometry.hits import BarrelHits
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.simulation.electron_photon import write_hdf5

MODELS = Path(__file__).resolve().parents[2] / "data" / "models"
EVENTS = 120
SEED = (16, 16)  # of the simulated crops


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """Whole-barrel images (N, 2, 170, 360) of simulated crops, seeds and labels."""
    path = tmp_path_factory.mktemp("simulated") / "crops.hdf5"
    write_hdf5(path, EVENTS, 3)
    with h5py.File(path) as file:
        crops = np.asarray(file["X"]).transpose(0, 3, 1, 2) * np.float32(50)  # GeV, ns
        ieta, iphi = (np.asarray(file[name]).astype(int) for name in ("ieta", "iphi"))
        columns = {name: np.asarray(file[name]) for name in ("pt", "eta", "phi")}
        labels = np.asarray(file["y"]).astype(np.int64)
    rows = np.array([eb_row(one) for one in ieta])
    images = np.zeros((EVENTS, 2, EB_ROWS, EB_IPHI_MAX), np.float32)
    for event, (row, column) in enumerate(zip(rows, iphi - 1, strict=True)):
        for kind, i, j in zip(*np.nonzero(crops[event]), strict=True):
            place = row + i - SEED[0]
            if 0 <= place < EB_ROWS:
                images[event, kind, place, (column + j - SEED[1]) % EB_IPHI_MAX] = crops[event, kind, i, j]
    return images, rows, iphi - 1, labels, columns


def write_ntuple(path, detector):
    images, rows, columns, labels, own = detector
    one_each = {"SC_ieta": rows, "SC_iphi": columns, "pho_pT": own["pt"], "pho_eta": own["eta"], "y": labels}
    branches = {name: ak.Array(values.astype(np.float32)[:, None]) for name, values in one_each.items()}
    for number, name in enumerate(("EB_energy", "EB_time")):
        branches[name] = ak.from_regular(images[:, number].reshape(len(images), -1))
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        file["fevt/RHTree"] = branches


def hit_event(image, row, column, directions):
    """The hits of an event; the supercluster is made of all crystals within two of the seed."""
    place = np.nonzero(image[0])
    ieta = place[0] - 85 + (place[0] >= 85)
    near = (np.abs(place[0] - row) <= 2) & (np.abs((place[1] - column + 180) % 360 - 180) <= 2)
    crystals = np.stack([ieta, place[1] + 1], axis=1)[near]
    hits = BarrelHits(ieta, place[1] + 1, image[0][place], image[1][place])
    return HitEvent(Candidates(*(np.array([one], float) for one in directions)), [crystals], hits)


def scores(images):
    session = onnxruntime.InferenceSession(MODELS / "electron_photon.onnx")
    return session.run(["probabilities"], {"image": images})[0]


def test_pictures_scores_and_auc_are_the_same(detector, program, tmp_path):
    write_ntuple(tmp_path / "ntuple.root", detector)
    images, rows, columns, _, own = detector
    source = open_source(str(tmp_path / "ntuple.root"), load_recipe("electron_photon"))
    read = source.read(0, source.entries)
    directions = zip(own["pt"], own["eta"], own["phi"], strict=True)
    write_events(
        tmp_path / "events.txt",
        [hit_event(*event) for event in zip(images, rows, columns, directions, strict=True)],
    )
    program(
        "makeImages", MODELS / "electron_photon.json", tmp_path / "events.txt", tmp_path / "images.npy",
        tmp_path / "status.npy",
    )  # fmt: skip
    scored = np.load(tmp_path / "status.npy") == 0
    assert scored.sum() > EVENTS * 0.95
    found = np.load(tmp_path / "images.npy")
    expected = read.images.to_dense()[scored]
    np.testing.assert_array_equal(found, expected)
    labels = read.labels[scored]
    through_cpp, through_python = scores(found), scores(expected)
    assert abs(auc(labels, through_cpp).value - auc(labels, through_python).value) < 1e-4
    assert auc(labels, through_cpp).value > 0.65
    np.testing.assert_array_equal(through_cpp, through_python)


def test_a_seed_that_is_shifted_by_one_crystal_makes_other_pictures(detector, program, tmp_path):
    images, rows, columns, _, own = detector
    directions = (own["pt"][0], own["eta"][0], own["phi"][0])
    write_events(tmp_path / "events.txt", [hit_event(images[0], rows[0], columns[0], directions)])
    shutil.copy(MODELS / "electron_photon.onnx", tmp_path / "shifted.onnx")
    content = json.loads((MODELS / "electron_photon.json").read_text())
    content["image"]["seed"] = [15, 15]
    (tmp_path / "shifted.json").write_text(json.dumps(content))
    pictures = []
    for model in (MODELS / "electron_photon.json", tmp_path / "shifted.json"):
        program("makeImages", model, tmp_path / "events.txt", tmp_path / "images.npy")
        pictures.append(np.load(tmp_path / "images.npy")[0])
    np.testing.assert_array_equal(pictures[0][:, 1:, 1:], pictures[1][:, :-1, :-1])
