"""The main job, end to end: from no input to validated exports, and after kill -9."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT import load_run, open_store

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train.py"
SMALL = ("--events", "800", "--training.max_epochs", "2", "--training.batch_size", "64")


@pytest.fixture(scope="module")
def job(tmp_path_factory, script):
    """A folder in which the main job ran on few events."""
    folder = tmp_path_factory.mktemp("job")
    done = script("train", *SMALL, cwd=folder)
    return folder, done.stdout


def test_the_run_folder_holds_everything_that_a_result_needs(job):
    folder, output = job
    run = folder / "runs" / "electron_photon"
    for name in (
        "recipe.yaml", "history.csv", "metrics.json", "validation.json", "checkpoints/best.ckpt",
        "checkpoints/last.ckpt", "export/model.pt", "export/model.onnx", "export/model.json", "plots/roc.png",
    ):  # fmt: skip
        assert (run / name).is_file(), name
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["model"]["name"] == "hybrid_vit"
    for split in ("train", "validation", "test"):
        assert metrics[split]["events"] > 0
        assert 0 < metrics[split]["auc_error"] < 0.2
        assert set(metrics[split]["background_rejection"]) == {"0.3", "0.5", "0.8"}
    validation = json.loads((run / "validation.json").read_text())
    assert validation["passed"] is True
    assert validation["tolerances"]["auc_difference"] == 1e-4
    assert validation["tolerances"]["max_abs_difference"] == 1e-5
    assert {"torchscript", "onnx"} <= set(validation["backends"])
    assert "runs/electron_photon" in output


def test_the_python_surface(job):
    folder, _ = job
    batch = open_store(folder / "runs/stores/electron_photon_800").read("test", limit=20)
    assert batch.images.shape == (20, 2, 32, 32)
    assert batch.images.dtype == np.float32
    assert set(batch.columns) >= {"source", "entry", "pt", "ieta", "iphi"}
    eager = load_run(folder / "runs/electron_photon").predict(batch.images)
    onnx = load_run(folder / "runs/electron_photon", backend="onnx").predict(batch.images)
    assert eager.shape == (20, 2)
    np.testing.assert_allclose(eager.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(eager, onnx, atol=1e-5)


def test_killed_at_any_moment_the_same_command_ends_with_the_same_metrics(job, tmp_path, script):
    folder, _ = job
    for seconds in (6, 9):
        command = [sys.executable, str(SCRIPT), *SMALL]
        with contextlib.suppress(subprocess.TimeoutExpired):  # which ends the process with kill -9
            subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=seconds, check=False)
    script("train", *SMALL, cwd=tmp_path)
    disturbed, undisturbed = (
        json.loads((place / "runs/electron_photon/metrics.json").read_text()) for place in (tmp_path, folder)
    )
    for content in (disturbed, undisturbed):
        for timing in ("seconds", "images_per_second"):
            content["training"].pop(timing)
    assert disturbed == undisturbed


def test_models_are_compared_on_the_same_events(job, tmp_path, script):
    store = job[0] / "runs/stores/electron_photon_800"
    options = ("--compare", "reference_cnn,vit", "--training.max_epochs", "1", "--training.batch_size", "64")
    done = script("train", "--store", store, "--run", tmp_path / "runs", *options)
    assert "reference_cnn - vit: AUC difference" in done.stdout
    content = json.loads((tmp_path / "runs/benchmark.json").read_text())
    assert [entry["model"] for entry in content["runs"]] == ["reference_cnn", "vit"]
    assert all(entry["training_images_per_second"] > 0 for entry in content["runs"])
    for name in ("benchmark.html", "plots/pareto_auc_flops.png", "plots/pareto_accuracy_flops.png"):
        assert (tmp_path / "runs" / name).is_file()


def test_auc_against_the_number_of_training_events(job, tmp_path, script):
    store = job[0] / "runs/stores/electron_photon_800"
    options = ("--compare", "reference_cnn,vit", "--training.max_epochs", "1", "--training.batch_size", "64")
    words = ("--store", store, "--run", tmp_path / "runs", *options, "--sizes", "100,200,200,999999")
    done = script("train", *words)
    content = json.loads((tmp_path / "runs/training_size.json").read_text())
    all_events = open_store(store).events("train")
    for points in content.values():
        assert [point["events"] for point in points] == [100, 200, all_events]
    last = json.loads((tmp_path / f"runs/{all_events}/vit/metrics.json").read_text())["test"]
    assert content["vit"][-1]["auc"] == last["auc"]
    assert f"{last['auc']:.4f}" in done.stdout.splitlines()[3]
    assert (tmp_path / "runs/plots/training_size.png").is_file()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--sizes", "100"), "give --compare"),
        (("--compare", "vit", "--store", "x", "--sizes", "many"), "whole numbers"),
        (("--compare", "vit", "--store", "x", "--sizes", "0"), "1 or more"),
        (("--ensemble", "a,b"), "give --run"),
        (("--ensemble", "a,b", "--run", "c"), "a/checkpoints/best.ckpt"),
    ],
)
def test_options_that_do_not_fit(script, tmp_path, options, hint):
    assert hint in script("train", *options, check=2, cwd=tmp_path).stderr
    assert list(tmp_path.iterdir()) == []


def test_a_dropped_channel_is_missing_in_the_export_too(job, tmp_path, script):
    store = job[0] / "runs/stores/electron_photon_800"
    only = "[{name: select_channels, options: {channels: [energy]}}]"
    script("train", "--store", store, "--run", tmp_path / "run", "--transforms", only, *SMALL[2:])
    script("export", "--run", tmp_path / "run")
    script("validate", "--run", tmp_path / "run")
    content = json.loads((tmp_path / "run/export/model.json").read_text())
    assert content["image"]["channels"] == ["energy"]


def test_an_ensemble_is_evaluated_and_exported(job, tmp_path, script):
    run = job[0] / "runs/electron_photon"
    done = script("train", "--ensemble", f"{run},{run}", "--run", tmp_path / "both", "--mean", "logits")
    alone = json.loads((run / "metrics.json").read_text())
    both = json.loads((tmp_path / "both/metrics.json").read_text())
    assert both["model"]["parameters"] == 2 * alone["model"]["parameters"]
    assert both["test"]["auc"] == pytest.approx(alone["test"]["auc"], abs=1e-6)
    assert "background rejection" in done.stdout
    script("export", "--run", tmp_path / "both")
    script("validate", "--run", tmp_path / "both")
    assert json.loads((tmp_path / "both/validation.json").read_text())["passed"] is True


def torchrun(folder, *options):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--"]
    words = [*command, SCRIPT, "--training.threads", "1", *options]
    return subprocess.run(list(map(str, words)), cwd=folder, capture_output=True, text=True, check=False)


def test_two_processes_train_and_one_evaluates(job, tmp_path):
    store = job[0] / "runs/stores/electron_photon_800"
    options = ("--model.name", "reference_cnn", "--training.max_epochs", "1", "--training.batch_size", "64")
    done = torchrun(tmp_path, "--store", store, "--run", "run", *options)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("background rejection") == 1
    assert json.loads((tmp_path / "run/metrics.json").read_text())["training"]["epochs"] == 1
    refused = torchrun(tmp_path)
    assert refused.returncode != 0
    assert "under torchrun give --store" in refused.stderr


def test_a_comparison_needs_a_store(script):
    assert "give --store" in script("train", "--compare", "vit,cct", check=2).stderr


def test_a_recipe_without_simulation_needs_a_store(script, tmp_path):
    done = script("train", "--recipe", "top_tagging", check=2, cwd=tmp_path)
    assert "give --store" in done.stderr
    assert list(tmp_path.iterdir()) == []
