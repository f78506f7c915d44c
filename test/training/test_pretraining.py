"""Learning without labels, and trainings that start from it."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
import torch

from RecoE2E.ParticleViT.errors import ModelError, RecipeError, RunError
from RecoE2E.ParticleViT.files import write_json
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.run_folder import RunFolder
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.store.schema import ShardInfo
from RecoE2E.ParticleViT.store.sparse import SparseImages
from RecoE2E.ParticleViT.store.writer import write_events
from RecoE2E.ParticleViT.training import checkpoint, load_network, pretrain, train
from RecoE2E.ParticleViT.training.history import read_history
from RecoE2E.ParticleViT.training.optimizer import by_depth, make_optimizer
from RecoE2E.ParticleViT.training.pretraining import PretrainingModule, read_pretrained
from RecoE2E.ParticleViT.training.run import make_network

SPARSE = {
    "model__name": "sparse_vit",
    "model__options": {"cells": 16, "dim": 16, "heads": 2, "depth": 2, "mlp_dim": 16},
}


def history(run):
    """The rows of history.csv without what the clock says."""
    return [
        {key: value for key, value in row.items() if key not in ("images_per_second", "seconds")}
        for row in read_history(run / "history.csv")
    ]


def same_result(one, other):
    assert history(one) == history(other)
    mine, theirs = (
        torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"] for run in (one, other)
    )
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def die_at(stop, patch):
    """Let the training step of batch number `stop` of the whole run fail."""
    original = PretrainingModule.training_step

    def step(self, batch, batch_idx):
        if self.current_epoch * 16 + batch_idx == stop:
            raise RuntimeError("power failure")
        return original(self, batch, batch_idx)

    patch.setattr(PretrainingModule, "training_step", step)


@pytest.fixture(scope="module")
def recipe(toy_recipe):
    return toy_recipe(**SPARSE)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory, recipe, toy_store):
    run = tmp_path_factory.mktemp("runs") / "pretrained"
    pretrain(recipe, toy_store, run)
    return run


@pytest.mark.parametrize("model", ["vit", "reference_vit"])
def test_a_grid_s_hidden_patches_are_reconstructed(toy_recipe, toy_store, tmp_path, model):
    recipe = toy_recipe(model__name=model, model__options={}, training__max_epochs=2)
    pretrain(recipe, toy_store, tmp_path / "pretrained")
    first, last = history(tmp_path / "pretrained")
    assert float(last["train_loss"]) < float(first["train_loss"])
    network, decoder = read_pretrained(tmp_path / "pretrained/checkpoints/best.ckpt")
    images = torch.from_numpy(toy_store.read("validation", 3).images)
    whole, seen, rebuilt = decoder.picture(network, images, torch.Generator().manual_seed(1))
    hidden = (seen == 0) & (whole > 0)
    assert 0.3 < float(hidden.sum() / (whole > 0).sum()) < 0.7
    assert torch.equal(rebuilt[seen > 0], whole[seen > 0])
    assert not torch.equal(rebuilt[hidden], whole[hidden])
    train(start_of(recipe, tmp_path / "pretrained", max_epochs=1), toy_store, tmp_path / "run")
    begun = make_network(start_of(recipe, tmp_path / "pretrained"), toy_store).state_dict()
    theirs = network.state_dict()
    assert all(torch.equal(begun[key], theirs[key]) for key in theirs if "mlp_head" not in key)


def start_of(recipe, run, **more):
    return dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, start=str(run), **more))


def test_hidden_cells_are_told_from_decoys(pretrained):
    assert float(history(pretrained)[-1]["validation_auc"]) > 0.55


def test_labels_are_not_read(pretrained, recipe, toy_store, tmp_path):
    """A store without labels, whose column of labels holds nonsense, gives the same bits."""
    folder = shutil.copytree(toy_store.path, tmp_path / "store")
    splits = {}
    for name, split in toy_store.info.splits.items():
        events, file = toy_store.read(name), folder / split.shards[0].file
        write_events(file, SparseImages.from_dense(events.images), events.labels * 0 - 1, events.columns)
        shards = (ShardInfo.of(folder, file, split.events),)
        splits[name] = dataclasses.replace(split, per_class={}, shards=shards)
    write_json(folder / "store.json", dataclasses.replace(toy_store.info, splits=splits).to_dict())
    pretrain(recipe, open_store(folder), tmp_path / "run")
    same_result(pretrained, tmp_path / "run")


def test_resume_is_exact(pretrained, recipe, toy_store, tmp_path, monkeypatch):
    run = tmp_path / "broken"
    for stop in (7, 24):
        with monkeypatch.context() as patch:
            die_at(stop, patch)
            every_batch = checkpoint.RunCheckpoint(RunFolder(run), save_seconds=-1, check_batches=1)
            with pytest.raises(RuntimeError, match="power failure"):
                pretrain(recipe, toy_store, run, checkpoints=every_batch)
    pretrain(recipe, toy_store, run)
    same_result(pretrained, run)


def test_a_pretrained_run_is_no_classifier(pretrained, recipe, toy_store):
    with pytest.raises(RunError, match="was pretrained and knows no classes; train with --start"):
        _ = Run(pretrained).network
    with pytest.raises(RunError, match="was pretrained here"):
        train(recipe, toy_store, pretrained)


def test_start_takes_the_encoder_and_says_so(pretrained, recipe, toy_store, tmp_path):
    begun = make_network(start_of(recipe, pretrained), toy_store).state_dict()
    fresh = make_network(recipe, toy_store).state_dict()
    theirs = load_network(pretrained / "checkpoints/best.ckpt")[0].state_dict()
    for key, value in begun.items():
        assert torch.equal(value, (fresh if ".head." in key else theirs)[key]), key
    train(start_of(recipe, pretrained, max_epochs=1), toy_store, tmp_path / "run")
    info = Run(tmp_path / "run").checkpoint
    assert (info.recipe["training"]["start"], info.pretext) == (str(pretrained), "")


def test_frozen_encoder_stays(pretrained, recipe, toy_store, tmp_path):
    train(start_of(recipe, pretrained, max_epochs=1, freeze_epochs=1), toy_store, tmp_path / "run")
    theirs = load_network(pretrained / "checkpoints/best.ckpt")[0].state_dict()
    mine = load_network(tmp_path / "run/checkpoints/best.ckpt")[0].state_dict()
    for key, value in mine.items():
        assert torch.equal(value, theirs[key]) is (".head." not in key), key


def test_layers_have_learning_rates_of_their_own(recipe, toy_store):
    network = make_network(recipe, toy_store)
    settings = dataclasses.replace(recipe.training, layer_decay=0.5)
    rates = [group["lr"] for group in make_optimizer(network, settings, fused=False).param_groups]
    assert rates == [1e-2, 1e-2, 5e-3, 5e-3, 2.5e-3, 2.5e-3, 1.25e-3, 1.25e-3]
    found = [id(p) for some in by_depth(network, split=True).values() for p in some]
    assert sorted(found) == sorted(id(p) for p in network.parameters())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"model__name": "vit", "model__options": {}},
            "the start's model is sparse_vit",
        ),
        ({"model__options": {"dim": 8, "cells": 16}}, "the start's option dim is 16"),
        ({"transforms": [{"name": "centre_crop", "options": {"size": 8}}]}, "the start's transforms is"),
    ],
)
def test_start_that_does_not_fit(changed, message, pretrained, toy_recipe, toy_store, tmp_path):
    other = start_of(toy_recipe(**{**SPARSE, **changed}), pretrained)
    with pytest.raises(ModelError, match=message):
        train(other, toy_store, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"model__name": "cct", "model__options": {}}, ModelError, "model 'cct' cannot be pretrained"),
        ({"training__augmentation": [{"name": "mixup"}]}, RecipeError, "'mixup' needs labels"),
    ],
)
def test_what_cannot_be_pretrained(changed, error, message, toy_recipe, toy_store, tmp_path):
    with pytest.raises(error, match=message):
        pretrain(toy_recipe(**{**SPARSE, **changed}), toy_store, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, float("nan")])
def test_mask_fraction_out_of_range(fraction, toy_recipe):
    with pytest.raises(RecipeError, match=r"training\.mask_fraction is .*; give a number above 0"):
        toy_recipe(training__mask_fraction=fraction)
