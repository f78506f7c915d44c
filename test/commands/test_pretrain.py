"""Pretraining, and a training from it, as commands."""

from __future__ import annotations

import pytest
import yaml
from make_small import RECIPE

SPARSE = {"name": "sparse_vit", "options": {"cells": 16, "dim": 16, "heads": 2, "depth": 1, "mlp_dim": 16}}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    training = {"max_epochs": 1, "batch_size": 256, "threads": 1}
    path.write_text(yaml.safe_dump({**RECIPE, "model": SPARSE, "training": training}))
    return path


def test_pretrain_then_train(recipe, small_store, tmp_path, script):
    shared = ("--recipe", recipe, "--store", small_store)
    done = script("pretrain", *shared, "--run", tmp_path / "pretrained")
    assert "report.html: report" in done.stdout
    assert "epoch 1/1" in done.stderr
    assert (tmp_path / "pretrained/report.html").read_text().count("<figure") == 4
    script("train", *shared, "--run", tmp_path / "run", "--start", tmp_path / "pretrained")
    assert f"start: {tmp_path / 'pretrained'}" in (tmp_path / "run/recipe.yaml").read_text()


def test_refusals_before_anything_is_written(recipe, small_store, tmp_path, script):
    shared = ("--recipe", recipe, "--store", small_store, "--run", tmp_path / "run")
    found = script("pretrain", *shared, "--training.mask_fraction", "1", check=2).stderr
    assert "--training.mask_fraction is 1.0; give a number above 0 and below 1" in found
    assert "no such checkpoint" in script("train", *shared, "--start", tmp_path / "none", check=2).stderr
    assert list(tmp_path.iterdir()) == []
