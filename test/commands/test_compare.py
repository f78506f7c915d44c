"""Several models, and several numbers of training events."""

from __future__ import annotations

import json

import pytest
import yaml

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


def test_one_model_with_several_options(job_store, tmp_path, script):
    """The parts of a model are studied in one command."""
    models = ("reference_cnn", "sparse_vit", "reference_cnn,moments=true")
    options = ("--sizes", "100", "--seeds", "1", "--training.max_epochs", "1")
    own = ("--model.name", "reference_cnn", "--model.options.dropout", "0.5")
    script("compare", "--store", job_store, "--run", tmp_path / "runs", "--models", *models, *options, *own)
    content = json.loads((tmp_path / "runs/training_size.json").read_text())
    assert list(content) == [*models, "checksum"]
    read = {}
    for name in models:
        path = tmp_path / "runs/100" / name / "1/recipe.yaml"
        read[name] = yaml.safe_load(path.read_text())["model"]
    assert read["reference_cnn"]["options"] == {"dropout": 0.5, "moments": False}
    assert read["reference_cnn,moments=true"]["options"] == {"dropout": 0.5, "moments": True}
    assert read["sparse_vit"]["name"] == "sparse_vit"


def test_auc_against_the_number_of_training_events(job_store, tmp_path, script):
    sizes = ("--sizes", "100", "200", "200", "--sizes", "999999")
    done = script("compare", "--store", job_store, "--run", tmp_path / "runs", *MODELS, *sizes)
    content = json.loads((tmp_path / "runs/training_size.json").read_text())
    content.pop("checksum")
    all_events = open_store(job_store).events("train")
    for points in content.values():
        assert [point["events"] for point in points] == [100, 200, all_events]
    script("evaluate", "--run", tmp_path / f"runs/{all_events}/vit")
    last = json.loads((tmp_path / f"runs/{all_events}/vit/metrics.json").read_text())["test"]
    assert content["vit"][-1]["auc"] == last["auc"]
    assert f"{last['auc']:.2f} +- " in done.stdout.splitlines()[3]
    assert (tmp_path / "runs/plots/training_size.png").is_file()


def test_pretrained_beside_fresh_weights_over_seeds(job_store, tmp_path, script):
    model = ("--model.name", "sparse_vit", "--model.options.cells", "16", "--training.max_epochs", "1")
    script(
        "pretrain", "--recipe", "electron_photon", "--store", job_store, "--run", tmp_path / "start", *model
    )
    start = ("--start", tmp_path / "start", "--training.batch_size", "32", *model)
    kinds = ("--models", "sparse_vit", "reference_cnn", "--sizes", "64", "--seeds", "1", "2", "--steps", "5")
    for other, hint in ((tmp_path / "nowhere", "nowhere"), (tmp_path / "start", "name it in --models")):
        models = ("--models", "vit", "--sizes", "64", "--start", other)
        done = script("compare", "--store", job_store, "--run", tmp_path / "runs", *models, check=2)
        assert hint in done.stderr
    assert not (tmp_path / "runs").exists()
    done = script("compare", "--store", job_store, "--run", tmp_path / "runs", *kinds, *start)
    assert "sparse_vit_started - sparse_vit" in done.stdout
    content = json.loads((tmp_path / "runs/training_size.json").read_text())
    assert list(content)[:3] == ["sparse_vit", "sparse_vit_started", "reference_cnn"]
    assert content["sparse_vit"][0]["difference_error"] == 0 < content["reference_cnn"][0]["difference_error"]
    recipes = [
        yaml.safe_load((tmp_path / f"runs/64/sparse_vit_started/{seed}/recipe.yaml").read_text())["training"]
        for seed in (1, 2)
    ]
    assert [(one["skip"], one["max_epochs"]) for one in recipes] == [(0, 3), (64, 3)]
    assert {one["start"] for one in recipes} == {str(tmp_path / "start")}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--models", "vit", "--seeds", "1"), "--seeds needs --sizes"),
        (("--models", "vit", "--sizes", "9", "--seeds", "-1"), "--seeds has -1; give 0 or more"),
        (("--models", "vit", "--sizes", "9", "--seeds", "1", "1"), "--seeds has 1 1; give each once"),
        (("--models", "vit", "vit"), "--models has vit vit; give each once"),
        (("--models", "vit,dim=8,dim=16"), "each once, such as"),
        (("--sizes", "100"), "--models is missing"),
        (("--models", "vit", "--sizes", "many"), "--sizes: invalid int value: 'many'"),
        (("--models", "vit", "--sizes", "0"), "1 or more"),
        (("--models", "vit,dim"), "--models 'vit,dim'; write NAME or NAME,OPTION=VALUE"),
        (("--models", "vit,../x=1"), "--models 'vit,../x=1'; write NAME"),
    ],
)
def test_options_that_do_not_fit(script, tmp_path, options, hint):
    words = ("--store", "store", "--run", "run")
    assert hint in script("compare", *words, *options, check=2, cwd=tmp_path).stderr
    assert list(tmp_path.iterdir()) == []
