from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot
from sklearn.metrics import roc_auc_score

from RecoE2E.ParticleViT.errors import DeploymentError, InputError, ModelError, StoreError
from RecoE2E.ParticleViT.evaluation import evaluate_run
from RecoE2E.ParticleViT.geometry.description import Domain
from RecoE2E.ParticleViT.geometry.status import Status
from RecoE2E.ParticleViT.inference import prediction
from RecoE2E.ParticleViT.inference.friends import read_info
from RecoE2E.ParticleViT.inference.manifest import Manifest, sha256
from RecoE2E.ParticleViT.inference.prediction import predict_files
from RecoE2E.ParticleViT.inference.prediction_units import ModelChoice
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.inference.run_recipe import run_recipe
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.training import train

HAS_XROOTD = shutil.which("xrootd") is not None and importlib.util.find_spec("fsspec_xrootd") is not None
ROOT_READS = """
import sys, warnings
warnings.simplefilter("ignore")
import ROOT
events, scores = ROOT.TFile.Open(sys.argv[1]), ROOT.TFile.Open(sys.argv[2])
tree = events.Get("Events")
tree.AddFriend(scores.Get("particlevit"))
print(tree.GetEntries("particlevit_status == 0"), tree.GetEntries("is_signal == 1 && particlevit_top > 0.5"))
"""
SMALL = {"model.options": {"cells": 16, "dim": 16, "mlp_dim": 16}}
BARE = """
import sys
sys.modules["torch"] = sys.modules["lightning"] = sys.modules["vit_pytorch"] = None
from RecoE2E.ParticleViT.commands.predict import main
main(sys.argv[1:])
"""


@pytest.fixture
def model(jet_run) -> ModelChoice:
    return ModelChoice(str(jet_run), "onnx", 1)


def scores_of(path: Path, name: str = "particlevit"):
    with uproot.open(path) as file:
        return file[name].arrays()


def test_auc_of_the_friend_tree_is_that_of_the_run(jet_run, jet_files, jet_recipe, tmp_path):
    result = predict_files(
        jet_recipe, ModelChoice(str(jet_run), "eager", 1), [str(jet_files[1])], str(tmp_path)
    )
    with uproot.open(jet_files[1]) as file:
        labels = file["Events"]["is_signal"].array(library="np")
    found = scores_of(tmp_path / "test.scores.root")
    assert len(found) == result.entries == result.status[0] == 500
    auc = roc_auc_score(labels, np.asarray(found.particlevit_top))
    assert auc == pytest.approx(Run(jet_run).metrics.splits["test"].auc, abs=1e-6)
    assert auc > 0.6
    np.testing.assert_allclose(found.particlevit_top + found.particlevit_qcd, 1, atol=1e-5)


def test_the_given_file_has_the_auc_of_metrics_json(shared_data, jet_run, jet_recipe, tmp_path):
    path = str(shared_data / "top_tagging_test.root")
    only_test = replace(jet_recipe, split=replace(jet_recipe.split, train=0.0, validation=0.0, test=1.0))
    ingest_files(only_test, tmp_path / "store", [path])
    metrics = evaluate_run(jet_run, tmp_path / "store", tmp_path / "evaluation")
    predict_files(jet_recipe, ModelChoice(str(jet_run), "eager", 1), [path], str(tmp_path / "out.root"))
    with uproot.open(path) as file:
        labels = file["Events"]["is_signal"].array(library="np")
    auc = roc_auc_score(labels, np.asarray(scores_of(tmp_path / "out.root").particlevit_top))
    assert auc == pytest.approx(metrics.test.auc, abs=1e-6)
    assert metrics.test.events == len(labels) == 10_000


def test_backends_and_formats_agree(jet_run, jet_files, jet_recipe, tmp_path):
    tables = {}
    for backend in ("eager", "onnx", "torchscript"):
        for kind in ("root", "parquet", "hdf5"):
            output = tmp_path / f"{backend}.{kind}"
            choice = ModelChoice(str(jet_run), backend, 1)
            predict_files(jet_recipe, choice, [str(jet_files[1])], str(output), name="vit")
            tables[backend, kind] = output
    first = np.asarray(scores_of(tables["eager", "root"], "vit").vit_top)
    for (backend, kind), path in tables.items():
        if kind == "root":
            found = np.asarray(scores_of(path, "vit").vit_top)
        elif kind == "parquet":
            found = pq.read_table(path)["vit_top"].to_numpy()
        else:
            with h5py.File(path) as file:
                found = file["vit_top"][:]
        np.testing.assert_allclose(found, first, atol=2e-5)
        info = read_info(str(path), "vit")
        assert info["model"]["backend"] == backend
        assert info["status"] == {"0": 500}
    checkpoint = sha256(Run(jet_run).best_checkpoint)
    assert read_info(str(tables["eager", "root"]), "vit")["model"]["sha256"] == checkpoint


def test_std_of_an_ensemble_stands_beside_its_scores(jet_run, jet_files, jet_recipe, tmp_path, script):
    other, both = tmp_path / "other", tmp_path / "both"
    seed = dataclasses.replace(jet_recipe.training, seed=2)
    train(dataclasses.replace(jet_recipe, training=seed), open_store(jet_run.parent / "store"), other)
    script("ensemble", "--runs", jet_run, other, "--run", both)
    shared = ("--files", jet_files[1], "--std", "--output")
    refused = script("predict", "--run", jet_run, *shared, tmp_path / "no.root", check=2).stderr
    assert "make one of several runs with scripts/ensemble.py" in refused
    script("export", "--run", both)
    refused = script("predict", "--run", both, "--backend", "onnx", *shared, tmp_path / "no.root", check=2)
    assert "the export gives no std; export with --std" in refused.stderr
    assert not (tmp_path / "no.root").exists()
    script("export", "--run", both, "--std")
    assert Manifest.read(both / "export/model.json", both).std == "std"
    found = {}
    for backend in ("eager", "onnx"):
        script("predict", "--run", both, "--backend", backend, *shared, tmp_path / f"{backend}.root")
        found[backend] = scores_of(tmp_path / f"{backend}.root")
    for run in (jet_run, other):
        script("predict", "--run", run, "--files", jet_files[1], "--output", tmp_path / f"{run.name}.root")
    each = [np.asarray(scores_of(tmp_path / f"{run.name}.root").particlevit_top) for run in (jet_run, other)]
    for scores in found.values():
        np.testing.assert_allclose(scores.particlevit_top, np.mean(each, axis=0), atol=1e-5)
        np.testing.assert_allclose(scores.particlevit_top_std, np.std(each, axis=0, ddof=1), atol=1e-5)
    script("validate", "--run", both, "--limit", "100")


def test_root_itself_takes_the_tree_as_a_friend(model, jet_files, jet_recipe, tmp_path):
    pytest.importorskip("ROOT", reason="ROOT is not installed: pip install root")
    predict_files(jet_recipe, model, [str(jet_files[1])], str(tmp_path))
    output = tmp_path / "test.scores.root"
    command = [sys.executable, "-c", ROOT_READS, str(jet_files[1]), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = scores_of(output)
    with uproot.open(jet_files[1]) as file:
        labels = file["Events"]["is_signal"].array()
    passing = int(np.sum((labels == 1) & (found.particlevit_top > 0.5)))
    assert done.stdout.split() == ["500", str(passing)]


@pytest.mark.parametrize(("names", "given"), [("model", "."), ("jets_v1", "jets_v1.json")])
def test_an_export_alone_needs_no_torch(jet_run, jet_files, jet_recipe, model, tmp_path, names, given):
    bare = tmp_path / "bare"
    bare.mkdir()
    for ending in (".onnx", ".json"):
        shutil.copy(jet_run / f"export/model{ending}", bare / f"{names}{ending}")
    options = ["--run", bare / given, "--files", jet_files[1], "--output", tmp_path / "bare.root"]
    subprocess.run([sys.executable, "-c", BARE, *map(str, options)], check=True, capture_output=True)
    predict_files(jet_recipe, model, [str(jet_files[1])], str(tmp_path / "run.root"))
    bare_scores, scores = scores_of(tmp_path / "bare.root"), scores_of(tmp_path / "run.root")
    assert ak.array_equal(bare_scores, scores)


def test_files_without_labels_and_with_other_names(jet_run, jets, tmp_path, script):
    columns = jets(60, 5)
    columns.pop("is_signal")
    columns = {name.replace("part_", "p_"): values for name, values in columns.items()}
    path = jets.write(tmp_path / "data.root", columns)
    fields = "{px: p_px, py: p_py, pz: p_pz, energy: p_energy}"
    arguments = ["--run", jet_run, "--files", path, "--output", tmp_path / "out"]
    script("predict", *arguments, check=2)
    done = script("predict", *arguments, "--inputs.fields", fields)
    assert "60 entries, 60 candidates: 60 scored" in done.stdout
    assert len(scores_of(tmp_path / "out" / "data.scores.root")) == 60


def test_what_cannot_be_drawn_has_a_status_and_no_score(jets, model, jet_recipe, tmp_path):
    columns = jets(20, 3)
    energy = columns["part_energy"].tolist()
    energy[3][0], energy[4][1] = np.nan, -1.0
    columns["part_energy"] = ak.values_astype(ak.Array(energy), np.float32)
    for name in ("part_px", "part_py", "part_pz", "part_energy"):
        lists = columns[name].tolist()
        lists[7] = []
        columns[name] = ak.values_astype(ak.Array(lists), np.float32)
    path = jets.write(tmp_path / "odd.root", columns)
    result = predict_files(jet_recipe, model, [str(path)], str(tmp_path / "out.root"))
    found = scores_of(tmp_path / "out.root")
    status = np.asarray(found.particlevit_status)
    assert status[[3, 4, 7]].tolist() == [Status.NOT_FINITE, Status.NOT_FINITE, Status.NO_SEED]
    assert (np.asarray(found.particlevit_top)[status != 0] == -1).all()
    assert (np.asarray(found.particlevit_top)[status == 0] >= 0).all()
    assert result.status == {0: 17, 3: 1, 6: 2}
    assert "2 not scored: a value that is not finite" in result.summary()


def test_an_interrupted_prediction_continues(model, jet_files, jet_recipe, tmp_path, monkeypatch):
    predict_files(jet_recipe, model, [str(jet_files[1])], str(tmp_path / "whole.root"))
    monkeypatch.setattr(prediction, "UNIT_CANDIDATES", 100)
    run_task, done = prediction.run_task, []

    def stop_after_two(task):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task.start)
        return run_task(task)

    output = tmp_path / "parts.root"
    monkeypatch.setattr(prediction, "run_task", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        predict_files(jet_recipe, model, [str(jet_files[1])], str(output))
    assert not output.exists()
    monkeypatch.setattr(prediction, "run_task", lambda task: done.append(task.start) or run_task(task))
    predict_files(jet_recipe, model, [str(jet_files[1])], str(output))
    assert done == [0, 100, 200, 300, 400]
    np.testing.assert_array_equal(
        np.asarray(scores_of(output).particlevit_top),
        np.asarray(scores_of(tmp_path / "whole.root").particlevit_top),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.root", "whole.root"]
    assert predict_files(jet_recipe, model, [str(jet_files[1])], str(output)).finished_before == 1


def test_two_workers_give_the_same_scores(model, jet_files, jet_recipe, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'particlevit[scale]'")
    monkeypatch.setattr(prediction, "UNIT_CANDIDATES", 200)
    for workers in (1, 2):
        predict_files(
            jet_recipe, model, list(map(str, jet_files)), str(tmp_path / str(workers)), workers=workers
        )
    for name in ("train.scores.root", "test.scores.root"):
        assert ak.array_equal(scores_of(tmp_path / "1" / name), scores_of(tmp_path / "2" / name))


def test_other_scores_are_not_replaced(model, jet_files, jet_recipe, jet_run, tmp_path):
    output = tmp_path / "scores.root"
    predict_files(jet_recipe, model, [str(jet_files[1])], str(output))
    before = output.read_bytes()
    with pytest.raises(StoreError, match="holds scores of another model, file or recipe"):
        predict_files(jet_recipe, model, [str(jet_files[0])], str(output))
    with pytest.raises(StoreError, match="holds scores of another model"):
        predict_files(jet_recipe, ModelChoice(str(jet_run), "eager", 1), [str(jet_files[1])], str(output))
    assert output.read_bytes() == before
    with pytest.raises(StoreError, match="holds something else"):
        predict_files(jet_recipe, model, [str(jet_files[1])], str(jet_files[0]))


def test_bad_requests_say_what_to_do(model, jet_files, jet_recipe, jet_run, small_run, tmp_path):
    wide = replace(jet_recipe, image=replace(jet_recipe.image, eta_half_width=0.4))
    with pytest.raises(ModelError, match=r"images have the grid .*0\.4.*the model's .*0\.8"):
        predict_files(wide, model, [str(jet_files[1])], str(tmp_path / "a.root"))
    with pytest.raises(DeploymentError, match="write it with scripts/export"):
        predict_files(jet_recipe, ModelChoice(str(small_run), "onnx", 1), [str(jet_files[1])], str(tmp_path))
    with pytest.raises(InputError, match="is one file for 2 inputs; give a folder"):
        predict_files(jet_recipe, model, list(map(str, jet_files)), str(tmp_path / "a.root"))
    with pytest.raises(InputError, match=r"give a folder, or a file that ends with \.root"):
        predict_files(jet_recipe, model, [str(jet_files[1])], str(tmp_path / "a.csv"))
    torn = tmp_path / "torn.root"
    torn.write_bytes(jet_files[1].read_bytes()[:5000])
    with pytest.raises(InputError, match="truncated"):
        predict_files(jet_recipe, model, [str(torn)], str(tmp_path / "out"))
    files = [str(torn), str(jet_files[1])]
    result = predict_files(jet_recipe, model, files, str(tmp_path / "out"), on_error="skip")
    assert list(result.skipped) == [str(torn)]
    assert [Path(path).name for path in result.written] == ["test.scores.root"]


def test_the_export_carries_how_files_are_read(jet_run, jet_recipe, tmp_path):
    shutil.copy(jet_run / "export/model.json", tmp_path)
    found = run_recipe(Run(tmp_path))
    assert (found.inputs, found.image, found.classes) == (
        jet_recipe.inputs, jet_recipe.image, jet_recipe.classes
    )  # fmt: skip
    assert json.loads((tmp_path / "model.json").read_text())["recipe"]["inputs"]["tree"] == "Events"


def test_candidates_beyond_the_domain_have_no_score(jet_run, jet_files, jet_recipe, tmp_path):
    for name in ("model.onnx", "model.json"):
        shutil.copy(jet_run / "export" / name, tmp_path)
    content = Manifest.read(tmp_path / "model.json", tmp_path)
    image = replace(content.image, domain=Domain(pt=(300.0, None), abs_eta=(0.0, 1.0)))
    replace(content, image=image).write(tmp_path / "model.json")
    with uproot.open(jet_files[1]) as file:
        px, py, pz = (ak.sum(file["Events"][f"part_p{axis}"].array(), axis=1) for axis in "xyz")
    pt = np.hypot(px, py)
    expected = np.where(pt < 300, Status.PT, np.where(np.abs(np.arcsinh(pz / pt)) > 1, Status.ETA, 0))
    model = ModelChoice(str(tmp_path), "onnx", 1)
    predict_files(jet_recipe, model, [str(jet_files[1])], str(tmp_path / "out.root"))
    found = scores_of(tmp_path / "out.root")
    np.testing.assert_array_equal(found.particlevit_status, expected)
    assert set(np.unique(expected)) == {0, 1, 2}
    np.testing.assert_array_equal(np.asarray(found.particlevit_top) == -1, expected != 0)


def test_jets_of_collisions_become_lists_as_long_as_the_collection(shared_data, untrained, tmp_path):
    recipe = load_recipe("quark_gluon_pfnano", {**SMALL, "image.height": 17, "image.width": 17})
    model = ModelChoice(str(untrained(recipe, tmp_path / "model")), "onnx", 1)
    path = shared_data / "cms_pfnano_10events.root"
    result = predict_files(recipe, model, [str(path)], str(tmp_path / "out.root"))
    with uproot.open(path) as file:
        pt, eta = file["Events"]["Jet_pt"].array(), file["Events"]["Jet_eta"].array()
    found = scores_of(tmp_path / "out.root")
    assert ak.num(found.particlevit_quark).tolist() == found.nparticlevit.tolist() == ak.num(pt).tolist()
    scored = found.particlevit_status == 0
    assert ak.all(scored == (found.particlevit_quark >= 0))
    assert ak.all(scored == ((pt >= 30) & (np.abs(eta) <= 2.4)))
    assert result.status[Status.SCORED] == int(ak.sum(scored)) > 30
    predict_files(recipe, model, [str(path)], str(tmp_path / "out.parquet"))
    assert pq.read_table(tmp_path / "out.parquet")["particlevit_quark"].to_pylist() == (
        found.particlevit_quark.tolist()
    )
    predict_files(recipe, model, [str(path)], str(tmp_path / "out.hdf5"))
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert file["particlevit_counts"][:].tolist() == ak.num(pt).tolist()
        np.testing.assert_array_equal(file["particlevit_quark"][:], ak.flatten(found.particlevit_quark))


@pytest.mark.parametrize("name", ["cms_DoublePhoton_Run2012B", "cms_DoubleElectron_Run2012C"])
def test_candidates_of_real_collisions(shared_data, untrained, tmp_path, name):
    recipe = load_recipe("electron_photon_ispy", {"model.options": SMALL["model.options"]})
    model = ModelChoice(str(untrained(recipe, tmp_path / "model")), "onnx", 1)
    result = predict_files(recipe, model, [str(shared_data / f"{name}.ig")], str(tmp_path / "out.root"))
    found = scores_of(tmp_path / "out.root")
    assert len(found) == result.entries == 25
    assert result.status[Status.SCORED] > 10
    assert int(ak.sum(found.nparticlevit)) == sum(result.status.values())
    scored = ak.flatten(found.particlevit_status == 0)
    np.testing.assert_array_equal(scored, ak.flatten(found.particlevit_photon) >= 0)


@pytest.mark.skipif(not HAS_XROOTD, reason="xrootd-server or fsspec-xrootd is not installed")
def test_files_on_a_server_in_and_out(model, jet_files, jet_recipe, tmp_path, xrootd, monkeypatch):
    folder, url = xrootd
    monkeypatch.chdir(tmp_path)
    shutil.copy(jet_files[1], folder / "test.root")
    (folder / "test.root").chmod(0o644)
    predict_files(jet_recipe, model, [str(jet_files[1])], "local.root")
    for _ in range(2):
        result = predict_files(jet_recipe, model, [f"{url}/test.root"], f"{url}/scores/out.root")
    assert result.finished_before == 1
    assert ak.array_equal(scores_of(folder / "scores/out.root"), scores_of(Path("local.root")))
    assert [path.name for path in (folder / "scores").iterdir()] == ["out.root"]
    assert [path.name for path in tmp_path.iterdir()] == ["local.root"]


def test_negative_threads_are_refused(jet_run, jet_files, script, tmp_path):
    words = ("--run", jet_run, "--files", jet_files[1], "--output", tmp_path / "out", "--threads", -3)
    assert "--threads is -3; give 0 or more" in script("predict", *words, check=2).stderr
