"""Students that learn from another run's probabilities."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.training import load_network, pretrain, train
from RecoE2E.ParticleViT.training.data import RunData
from RecoE2E.ParticleViT.training.ensemble import make_ensemble
from RecoE2E.ParticleViT.training.teacher import soft_labels


def taught_by(recipe, run, **more):
    return dataclasses.replace(
        recipe, training=dataclasses.replace(recipe.training, teacher=str(run), **more)
    )


@pytest.fixture(scope="module")
def recipe(toy_recipe):
    return toy_recipe(training__max_epochs=2)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, recipe, toy_store):
    run = tmp_path_factory.mktemp("runs") / "teacher"
    train(recipe, toy_store, run)
    return run


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_labels_are_mixed_with_the_teacher_s_probabilities(teacher, recipe, toy_store, tmp_path, weight):
    found = soft_labels(taught_by(recipe, teacher, teacher_weight=weight), toy_store, tmp_path)
    events = toy_store.read("train")
    with torch.no_grad():
        expected = load_network(teacher / "checkpoints/best.ckpt")[0].eval()(torch.from_numpy(events.images))
    hard = np.eye(len(recipe.classes))[events.labels]
    np.testing.assert_allclose(found, (1 - weight) * hard + weight * expected.numpy(), atol=1e-6)


def test_every_event_meets_its_own_label(teacher, recipe, toy_store, tmp_path):
    """Shuffled batches carry the soft label of the event whose image they show."""
    taught = taught_by(recipe, teacher)
    soft = soft_labels(taught, toy_store, tmp_path)
    images = toy_store.read("train").images
    place = {image.tobytes(): number for number, image in enumerate(images)}
    data = RunData(taught, toy_store, tmp_path)
    data.trainer = type("Trainer", (), {"global_rank": 0, "world_size": 1, "current_epoch": 1})()
    seen = 0
    for batch in data.train_dataloader():
        rows = [place[image.tobytes()] for image in batch.images.numpy()]
        np.testing.assert_array_equal(batch.labels.numpy(), soft[rows])
        seen += len(rows)
    assert seen == len(images)


def test_probabilities_are_kept_and_made_again_for_another_teacher(teacher, recipe, toy_store, tmp_path):
    taught = taught_by(recipe, teacher)
    train(taught, toy_store, tmp_path / "run")
    kept = (tmp_path / "run/teacher.npz").read_bytes()
    train(taught, toy_store, tmp_path / "run")
    assert (tmp_path / "run/teacher.npz").read_bytes() == kept
    (tmp_path / "run/teacher.npz").write_bytes(kept[:100])
    expected = soft_labels(taught, toy_store, tmp_path / "other")
    np.testing.assert_array_equal(soft_labels(taught, toy_store, tmp_path / "run"), expected)


def test_an_ensemble_teaches(teacher, recipe, toy_store, tmp_path):
    train(
        dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, seed=2)),
        toy_store,
        tmp_path / "2",
    )
    make_ensemble([teacher, tmp_path / "2"], tmp_path / "both")
    train(taught_by(recipe, tmp_path / "both", max_epochs=1), toy_store, tmp_path / "run")
    assert (tmp_path / "run/checkpoints/best.ckpt").is_file()


def test_refusals(recipe, toy_recipe, toy_store, tmp_path):
    with pytest.raises(ModelError, match="no such checkpoint"):
        train(taught_by(recipe, tmp_path / "nowhere"), toy_store, tmp_path / "run")
    sparse = {"model__name": "sparse_vit", "model__options": {"cells": 8, "dim": 8, "heads": 1, "depth": 1}}
    pretrain(toy_recipe(**sparse, training__max_epochs=1), toy_store, tmp_path / "pretrained")
    with pytest.raises(ModelError, match="was pretrained and knows no classes"):
        train(taught_by(recipe, tmp_path / "pretrained"), toy_store, tmp_path / "run")
    assert not (tmp_path / "run").exists()
