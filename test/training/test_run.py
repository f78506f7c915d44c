from __future__ import annotations

import csv
import dataclasses
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT import training
from RecoE2E.ParticleViT.errors import ModelError, RecipeError, RunError, StoreError
from RecoE2E.ParticleViT.models.registry import model_options
from RecoE2E.ParticleViT.recipe import load_recipe, recipe_yaml
from RecoE2E.ParticleViT.run_folder import RunFolder
from RecoE2E.ParticleViT.store import image_of_recipe
from RecoE2E.ParticleViT.training import checkpoint, load_network, train
from RecoE2E.ParticleViT.training.lightning_module import TrainingModule

CLOCK = ("images_per_second", "seconds")
COMMAND = """
import sys
from pathlib import Path
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.training import train
train(load_recipe(sys.argv[1]), open_store(sys.argv[2]), Path(sys.argv[3]))
"""


def history(run: Path) -> list[dict[str, str]]:
    """The rows of history.csv without what the clock says."""
    with (run / "history.csv").open() as file:
        return [{key: row[key] for key in row if key not in CLOCK} for row in csv.DictReader(file)]


def same_result(one: Path, other: Path) -> None:
    assert history(one) == history(other)
    for name in ("best", "last"):
        mine, theirs = (
            torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)["state_dict"]
            for run in (one, other)
        )
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, toy_recipe, toy_store) -> Path:
    run = tmp_path_factory.mktemp("runs") / "finished"
    train(toy_recipe(), toy_store, run)
    return run


def test_a_long_epoch_is_heard_of(tmp_path, toy_recipe, toy_store, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr("RecoE2E.ParticleViT.training.history.LOG_SECONDS", 0.0)
    recipe = toy_recipe(training__max_epochs=1)
    train(recipe, toy_store, tmp_path)
    batches = -(-toy_store.events("train") // recipe.training.batch_size)
    assert f"epoch 1/1: batch {batches - 1} of {batches}, " in caplog.text


def test_run_folder(finished, toy_recipe):
    found = sorted(str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file())
    assert found == ["checkpoints/best.ckpt", "checkpoints/last.ckpt", "history.csv", "recipe.yaml"]
    known = load_recipe(finished / "recipe.yaml")
    assert known.model.options == {**model_options("hybrid_vit"), **toy_recipe().model.options}
    assert dataclasses.replace(known, model=toy_recipe().model) == toy_recipe()
    assert [row["epoch"] for row in history(finished)] == ["1", "2", "3"]


def test_network_learns_and_is_reloaded(finished, toy_store):
    network, info = load_network(finished / "checkpoints/best.ckpt")
    batch = toy_store.read("validation")
    with torch.no_grad():
        probabilities = network(torch.from_numpy(batch.images)).numpy()
    value = training.auc(batch.labels, probabilities)
    assert value > 0.6
    assert value == pytest.approx(max(float(row["validation_auc"]) for row in history(finished)), abs=1e-6)
    assert (info.store.path, info.store.id) == (str(toy_store.path), "one")
    assert info.classes == ("photon", "electron")


def test_standardisation_is_fitted(finished):
    network, _ = load_network(finished / "checkpoints/last.ckpt")
    assert (network.preprocess.get_buffer("std") != 1).all()


def test_same_seed_same_result(finished, tmp_path, toy_recipe, toy_store):
    train(toy_recipe(training__workers=1), toy_store, tmp_path / "again")
    same_result(finished, tmp_path / "again")


def test_finished_run_returns_at_once(finished, toy_recipe, toy_store, monkeypatch):
    monkeypatch.setattr(training.run, "make_trainer", None)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        train(toy_recipe(training__threads=1), toy_store, finished)
        assert torch.get_num_threads() == 1  # what follows rounds as after a training
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["ema", "accumulate", "muon", "plain"])
def test_resume_inside_an_epoch_is_exact(name, tmp_path, toy_recipe, toy_store, monkeypatch):
    options = {
        "ema": {"training__ema_decay": 0.9},
        "accumulate": {"training__accumulate": 3},
        "muon": {"training__optimizer": "muon", "training__freeze_epochs": 1},
        "plain": {},
    }[name]
    recipe = toy_recipe(**options)
    train(recipe, toy_store, tmp_path / "whole")
    broken = tmp_path / "broken"
    for stop in (7, 16, 24, 39):
        with monkeypatch.context() as patch:
            die_at(stop, patch)
            every_batch = checkpoint.RunCheckpoint(RunFolder(broken), save_seconds=-1, check_batches=1)
            with pytest.raises(RuntimeError, match="power failure"):
                train(recipe, toy_store, broken, checkpoints=every_batch)
    train(recipe, toy_store, broken)
    same_result(tmp_path / "whole", broken)


def die_at(stop: int, patch: pytest.MonkeyPatch) -> None:
    """Let the training step of batch number `stop` of the whole run fail."""
    original = TrainingModule.training_step

    def step(self, batch, batch_idx):
        if self.current_epoch * 16 + batch_idx == stop:
            raise RuntimeError("power failure")
        return original(self, batch, batch_idx)

    patch.setattr(TrainingModule, "training_step", step)


def test_kill_and_resume(tmp_path, toy_recipe, toy_store):
    recipe = toy_recipe(training__max_epochs=12, training__patience=99)
    (tmp_path / "recipe.yaml").write_text(recipe_yaml(recipe))
    command = [sys.executable, "-c", COMMAND, tmp_path / "recipe.yaml", toy_store.path]
    broken = tmp_path / "broken"
    process = subprocess.Popen([*map(str, command), str(broken)], stderr=subprocess.DEVNULL)
    while process.poll() is None and not (broken / "checkpoints/last.ckpt").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    rows = len(history(broken))
    train(recipe, toy_store, broken)
    train(recipe, toy_store, tmp_path / "whole")
    assert rows < 12
    same_result(tmp_path / "whole", broken)


def test_torn_last_checkpoint(tmp_path, toy_recipe, toy_store, finished, caplog, monkeypatch):
    run = tmp_path / "torn"
    with monkeypatch.context() as patch:
        die_at(35, patch)
        with pytest.raises(RuntimeError):
            train(toy_recipe(), toy_store, run)
    last = run / "checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    train(toy_recipe(), toy_store, run)
    assert "last.ckpt: not a readable checkpoint" in caplog.text
    same_result(finished, run)


def test_early_stopping(tmp_path, toy_recipe, toy_store):
    recipe = toy_recipe(training__max_epochs=40, training__patience=1, training__learning_rate=1e-9)
    train(recipe, toy_store, tmp_path)
    epochs = len(history(tmp_path))
    assert epochs < 40
    train(recipe, toy_store, tmp_path)
    assert len(history(tmp_path)) == epochs


def test_more_epochs_continue_a_finished_run(tmp_path, finished, toy_recipe, toy_store):
    """The first epochs are kept, the schedule is that of the new number, nothing is done twice."""
    epochs = toy_recipe().training.max_epochs
    run, longer = shutil.copytree(finished, tmp_path / "run"), toy_recipe(training__max_epochs=epochs + 1)
    train(longer, toy_store, run)
    assert history(run)[:epochs] == history(finished)
    assert [row["epoch"] for row in history(run)] == [str(number + 1) for number in range(epochs + 1)]
    assert load_recipe(run / "recipe.yaml").training.max_epochs == epochs + 1
    last = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    before = torch.load(finished / "checkpoints/last.ckpt", weights_only=True)
    assert last["global_step"] * epochs == before["global_step"] * (epochs + 1)
    kept = (run / "checkpoints/last.ckpt").read_bytes()
    train(longer, toy_store, run)
    assert (run / "checkpoints/last.ckpt").read_bytes() == kept
    with pytest.raises(RunError, match="trained with training.max_epochs"):
        train(toy_recipe(), toy_store, run)


def test_more_epochs_do_not_continue_what_patience_ended(tmp_path, toy_recipe, toy_store):
    settings = {"training__patience": 1, "training__learning_rate": 1e-9}
    train(toy_recipe(training__max_epochs=40, **settings), toy_store, tmp_path / "run")
    rows = history(tmp_path / "run")
    train(toy_recipe(training__max_epochs=41, **settings), toy_store, tmp_path / "run")
    assert history(tmp_path / "run") == rows


def test_options_of_the_loss(tmp_path, toy_recipe, toy_store):
    recipe = toy_recipe(
        training__label_smoothing=0.1, training__class_weights=[1.0, 2.0], training__gradient_clip=0.1,
        training__limit=200, training__max_epochs=1, training__precision="bf16-mixed",
    )  # fmt: skip
    train(recipe, toy_store, tmp_path)
    assert len(history(tmp_path)) == 1


def test_run_of_another_recipe(finished, toy_recipe, toy_store):
    with pytest.raises(RunError, match=r"training\.batch_size = 64, the recipe has 32"):
        train(toy_recipe(training__batch_size=32), toy_store, finished)


def test_run_of_another_store(finished, toy_recipe, other_store):
    store = other_store({"train": 64, "validation": 64}, image_of_recipe(toy_recipe()))
    with pytest.raises(RunError, match="trained on store"):
        train(toy_recipe(), store, finished)


def test_run_folder_that_is_a_store(toy_recipe, toy_store):
    with pytest.raises(RunError, match="holds a store"):
        train(toy_recipe(), toy_store, toy_store.path)


def test_store_with_other_channels(tmp_path, toy_recipe, other_store):
    image = image_of_recipe(toy_recipe())
    depth = dataclasses.replace(image.channels[1], name="depth")
    spec = dataclasses.replace(image, channels=(image.channels[0], depth))
    store = other_store({"train": 64, "validation": 64}, spec)
    with pytest.raises(StoreError, match=r"depth.*time"):
        train(toy_recipe(), store, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_absent_class(tmp_path, toy_recipe, other_store):
    store = other_store({"train": 64, "validation": 1}, image_of_recipe(toy_recipe()))
    with pytest.raises(StoreError, match="split 'validation' has no event of class"):
        train(toy_recipe(), store, tmp_path / "run")


def test_nan_loss_saves_the_batch(tmp_path, toy_recipe, toy_store, monkeypatch):
    monkeypatch.setattr(TrainingModule, "loss", lambda self, logits, batch: logits.sum() * torch.nan)
    with pytest.raises(ModelError, match=r"nan_batch\.pt"):
        train(toy_recipe(), toy_store, tmp_path)
    saved = torch.load(tmp_path / "nan_batch.pt", weights_only=True)
    assert saved["images"].shape == (64, 2, 12, 12)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("training__device", "gpu", "did you mean 'cpu'"),
        ("training__precision", "16", "known: 16-mixed"),
        ("training__logger", "wandbb", "did you mean 'wandb'"),
    ],
)
def test_wrong_settings(key, value, message, tmp_path, toy_recipe, toy_store):
    with pytest.raises(RecipeError, match=message):
        train(toy_recipe(**{key: value}), toy_store, tmp_path / "run")


def test_ctrl_c_goes_through(tmp_path, toy_recipe, toy_store, monkeypatch):
    def interrupt(self, batch, batch_idx):
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(TrainingModule, "training_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(toy_recipe(), toy_store, tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the loggers themselves
@pytest.mark.parametrize("logger", ["tensorboard", "wandb"])
def test_loggers(logger, tmp_path, toy_recipe, toy_store, monkeypatch):
    pytest.importorskip(logger)
    monkeypatch.setenv("WANDB_MODE", "offline")
    train(toy_recipe(training__logger=logger, training__max_epochs=1), toy_store, tmp_path / "run")
    written = [path.name for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert any("tfevents" in name or name.endswith(".wandb") for name in written)


def test_auc_is_over_the_whole_split():
    labels = np.array([0, 1, 0, 1])
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.5, 0.5]])
    assert training.auc(labels, scores) == 0.75
    with pytest.raises(StoreError, match="class number 1"):
        training.auc(np.zeros(4), scores)
