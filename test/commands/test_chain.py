"""The main job, end to end: from no input to validated exports, and after kill -9."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from RecoE2E.ParticleViT import load_run, open_store

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train.py"
SMALL = ("--training.max_epochs", "2", "--training.batch_size", "64")


def test_the_run_folder_holds_everything_that_a_result_needs(job):
    folder, output = job
    run = folder / "runs" / "electron_photon"
    for name in (
        "recipe.yaml", "history.csv", "metrics.json", "validation.json", "checkpoints/best.ckpt",
        "checkpoints/last.ckpt", "export/model.pt", "export/model.onnx", "export/model.json", "plots/roc.png",
    ):  # fmt: skip
        assert (run / name).is_file(), name
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["model"]["name"] == "sparse_vit"
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


def kill_when_there_is(pattern, command, folder):
    """Run a command in a folder and kill it when a file matches; return whether it was still running."""
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not list(folder.glob(pattern)):
            time.sleep(0.01)
        running = process.poll() is None
        process.kill()
    return running


def test_killed_at_any_moment_the_same_command_ends_with_the_same_metrics(job, tmp_path, script):
    words = ["--events", "800", *SMALL]
    moments = ("inputs/.*", "stores/*/.parts/*", "electron_photon/history.csv", "electron_photon/export/*")
    for pattern in moments:
        assert kill_when_there_is(f"runs/{pattern}", [sys.executable, SCRIPT, *words], tmp_path), pattern
    script("train", *words, cwd=tmp_path)
    disturbed, undisturbed = (
        json.loads((place / "runs/electron_photon/metrics.json").read_text()) for place in (tmp_path, job[0])
    )
    for content in (disturbed, undisturbed):
        content.pop("checksum")  # of the times, too
        for timing in ("seconds", "images_per_second"):
            content["training"].pop(timing)
    assert disturbed == undisturbed


def test_an_export_drops_a_channel_itself(job_store, tmp_path, script):
    only = "[{name: select_channels, options: {channels: [energy]}}]"
    script("train", "--store", job_store, "--run", tmp_path / "run", "--transforms", only, *SMALL)
    script("export", "--run", tmp_path / "run")
    script("validate", "--run", tmp_path / "run")
    content = json.loads((tmp_path / "run/export/model.json").read_text())
    assert [channel["name"] for channel in content["image"]["channels"]] == ["energy", "time"]
    image = np.random.default_rng(1).random((1, 2, 32, 32), np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "run/export/model.onnx")
    expected, found = (
        session.run(None, {"image": one})[0]
        for one in (image, image * np.array([1, 0], np.float32).reshape(1, 2, 1, 1))
    )
    np.testing.assert_array_equal(found, expected)


def torchrun(folder, *options):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--"]
    words = [*command, SCRIPT, "--training.threads", "1", *options]
    return subprocess.run(list(map(str, words)), cwd=folder, capture_output=True, text=True, check=False)


def test_two_processes_train_and_one_evaluates(job_store, tmp_path):
    options = ("--model.name", "reference_cnn", "--training.max_epochs", "1", "--training.batch_size", "64")
    done = torchrun(tmp_path, "--store", job_store, "--run", "run", *options)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("background rejection") == 1
    assert json.loads((tmp_path / "run/metrics.json").read_text())["training"]["epochs"] == 1
    refused = torchrun(tmp_path)
    assert refused.returncode != 0
    assert "under torchrun give --store" in refused.stderr


def test_a_recipe_without_simulation_needs_a_store(script, tmp_path):
    done = script("train", "--recipe", "top_tagging", check=2, cwd=tmp_path)
    assert "give --store" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_simulated_events_and_a_store_exclude_each_other(script, tmp_path):
    done = script("train", "--events", "3", "--store", "x", check=2, cwd=tmp_path)
    assert "leave out --events or --store" in done.stderr
