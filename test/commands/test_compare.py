"""Several models, and several numbers of training events."""

from __future__ import annotations

import json

import pytest

from RecoE2E.ParticleViT import open_store

MODELS = ("--models", "reference_cnn", "vit", "--training.max_epochs", "1", "--training.batch_size", "64")


def test_models_are_compared_on_the_same_events(job_store, tmp_path, script):
    done = script("compare", "--store", job_store, "--run", tmp_path / "runs", *MODELS)
    assert "reference_cnn - vit: AUC difference" in done.stdout
    content = json.loads((tmp_path / "runs/benchmark.json").read_text())
    assert [entry["model"] for entry in content["runs"]] == ["reference_cnn", "vit"]
    assert all(entry["training_images_per_second"] > 0 for entry in content["runs"])
    for name in ("benchmark.html", "plots/pareto_auc_flops.png", "plots/pareto_accuracy_flops.png"):
        assert (tmp_path / "runs" / name).is_file()


def test_auc_against_the_number_of_training_events(job_store, tmp_path, script):
    sizes = ("--sizes", "100", "200", "200", "--sizes", "999999")
    done = script("compare", "--store", job_store, "--run", tmp_path / "runs", *MODELS, *sizes)
    content = json.loads((tmp_path / "runs/training_size.json").read_text())
    content.pop("checksum")
    all_events = open_store(job_store).events("train")
    for points in content.values():
        assert [point["events"] for point in points] == [100, 200, all_events]
    last = json.loads((tmp_path / f"runs/{all_events}/vit/metrics.json").read_text())["test"]
    assert content["vit"][-1]["auc"] == last["auc"]
    assert f"{last['auc']:.2f} +- " in done.stdout.splitlines()[3]
    assert (tmp_path / "runs/plots/training_size.png").is_file()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--sizes", "100"), "--models is missing"),
        (("--models", "vit", "--sizes", "many"), "--sizes: invalid int value: 'many'"),
        (("--models", "vit", "--sizes", "0"), "1 or more"),
    ],
)
def test_options_that_do_not_fit(script, tmp_path, options, hint):
    words = ("--store", "store", "--run", "run")
    assert hint in script("compare", *words, *options, check=2, cwd=tmp_path).stderr
    assert list(tmp_path.iterdir()) == []
