"""One training run: checks, resume, Lightning."""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping, TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm

from ..errors import RecipeError, RunError, StoreError
from ..files import atomic_path, locked
from ..models import Network, build_recipe_model, with_all_options
from ..models.masked_patches import masked
from ..recipe import Recipe, Training, load_recipe, recipe_dict, recipe_yaml
from ..run_folder import RunFolder
from ..store import Store, image_of_recipe
from .checkpoint import AtomicCheckpointIO, CheckpointInfo, RunCheckpoint, StoreReference, resume_point
from .data import RunData, check_skip, fit_preprocessing
from .history import History
from .lightning_module import TrainingModule
from .loggers import check_logger, make_logger
from .optimizer import muon_matrices
from .pretraining import PretrainingModule
from .start import load_start
from .teacher import load_teacher

logger = logging.getLogger(__name__)

# keys that change where and how fast a run computes, not what
_FREE_KEYS = ("training.threads", "training.workers", "training.device", "training.logger", "evaluation")
_EPOCHS = "training.max_epochs"
MOST_PER_CORE = 16  # threads; with many more, the process may die for lack of memory


class ProgressBar(TQDMProgressBar):
    """Lightning's progress bar on stderr, with the loss of the running batch."""

    def init_train_tqdm(self) -> Tqdm:
        """Return the bar of training."""
        return self._bar(self.train_description)

    def init_validation_tqdm(self) -> Tqdm:
        """Return the bar of validation."""
        return self._bar(self.validation_description, position=1)

    def _bar(self, description: str, position: int = 0) -> Tqdm:
        return Tqdm(
            desc=description, position=position, disable=self.is_disabled, leave=False, dynamic_ncols=True,
            file=sys.stderr, smoothing=0, bar_format=self.BAR_FORMAT,
        )  # fmt: skip

    def get_metrics(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> dict[str, Any]:
        """Return what stands behind the bar."""
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        return {"loss": f"{float(getattr(pl_module, 'last_loss', math.nan)):.3f}", **metrics}


def train(
    recipe: Recipe,
    store: Store,
    run: Path,
    callbacks: Sequence[lightning.Callback] = (),
    checkpoints: RunCheckpoint | None = None,
) -> None:
    """Train the recipe's model on the store's training split into the folder `run`.

    A run that was stopped continues from its last checkpoint, also one whose recipe has more epochs than it
    ended after; a finished one returns at once.

    Args:
        recipe: the study.
        store: events with the recipe's images and classes.
        run: receives recipe.yaml, history.csv, checkpoints/best.ckpt and checkpoints/last.ckpt.
        callbacks: further callbacks of Lightning.
        checkpoints: what writes the checkpoints; None: every 2 minutes and at the end of each epoch.

    Raises:
        RunError: `run` belongs to another recipe or store.
        OutputError: another training runs there, or it cannot be written.
        StoreError: the store has other images or classes, or a class is absent from a split.
        ModelError: the model's options do not fit, or the loss is not finite.
        RecipeError: no such device or logger.
    """
    _check_store(recipe, store)
    _check_and_train(recipe, store, run, callbacks, checkpoints)


def pretrain(
    recipe: Recipe,
    store: Store,
    run: Path,
    callbacks: Sequence[lightning.Callback] = (),
    checkpoints: RunCheckpoint | None = None,
) -> None:
    """Pretrain the recipe's model on the store's training split without its labels; see `train`.

    The AUC of the history is that of telling hidden cells from empty places.

    Raises:
        ParticleViTError: as `train`; a model that cannot be pretrained, or an augmentation that needs labels.
    """
    for step in recipe.training.augmentation:
        if step.name in ("mixup", "reweight"):
            raise RecipeError(f"training.augmentation '{step.name}' needs labels; leave it out to pretrain")
    store.check_model(image_of_recipe(recipe), store.classes)
    for split in ("train", "validation"):
        if not store.events(split):
            raise StoreError(f"{store.path}: split '{split}' has no event; change split")
    check_skip(recipe.training, store)
    plain = dataclasses.replace(
        recipe.training, ema_decay=0.0, class_weights=[], label_smoothing=0.0, teacher=""
    )
    recipe = dataclasses.replace(recipe, training=plain)
    masked(build_recipe_model(recipe, store.image), plain.mask_fraction)
    _check_and_train(recipe, store, run, callbacks, checkpoints, PretrainingModule)


def _check_and_train(
    recipe: Recipe,
    store: Store,
    run: Path,
    callbacks: Sequence[lightning.Callback],
    checkpoints: RunCheckpoint | None,
    kind: type[TrainingModule] = TrainingModule,
) -> None:
    """Refuse another run's folder and a start that does not fit, then train in a locked folder."""
    recipe = dataclasses.replace(recipe, model=with_all_options(recipe.model))
    _check_recipe(recipe, run)
    if recipe.training.start:
        load_start(recipe, store)
    if recipe.training.teacher:
        load_teacher(recipe, store)
    first = int(os.environ.get("RANK", "0")) == 0
    with locked(run, "training") if first else nullcontext():
        _train(recipe, store, run, callbacks, checkpoints, kind)


def _train(
    recipe: Recipe,
    store: Store,
    run: Path,
    callbacks: Sequence[lightning.Callback],
    checkpoints: RunCheckpoint | None,
    kind: type[TrainingModule],
) -> None:
    """Train in a folder that is this training's alone."""
    torch.set_num_threads(recipe.training.threads)  # also where nothing is left to do: rounding depends on it
    folder = RunFolder(run)
    found = resume_point(folder)
    if found:
        _check_checkpoint(found[1]["hyper_parameters"], store, found[0], kind.pretext)
        if _is_finished(found[1], recipe):
            if not folder.best_checkpoint.is_file():
                raise RunError(
                    f"{folder.best_checkpoint}: is missing, though the training is finished; restore it, or "
                    "remove the folder and train again"
                )
            logger.info("%s: training is finished", run)
            return
    trainer = make_trainer(recipe, run, callbacks, checkpoints)
    if trainer.is_global_zero:
        with atomic_path(folder.recipe_file) as partial:
            partial.write_text(recipe_yaml(recipe), encoding="utf-8")
    network = make_network(recipe, store, fit=found is None)
    steps = recipe.training.max_epochs * steps_per_epoch(recipe, store)
    info = dataclasses.replace(checkpoint_info(recipe, store, network), pretext=kind.pretext)
    module = kind(network, recipe.training, steps, run, info)
    if trainer.is_global_zero and recipe.training.optimizer == "muon":
        count = len(muon_matrices(network))
        taken = f"Muon: {count} matrices of transformer blocks; AdamW: the rest"
        logger.info(taken if count else "AdamW: everything, since there are no transformer blocks for Muon")
    _fit(trainer, module, RunData(recipe, store, run), found[0] if found else None)


def _is_finished(content: dict[str, Any], recipe: Recipe) -> bool:
    """Tell whether nothing is left to do: the patience was at its end, or the recipe has no further epoch."""
    if not content["callbacks"][RunCheckpoint.__qualname__]["finished"]:
        return False
    epochs, asked = content["epoch"] + 1, content["hyper_parameters"].recipe["training"]["max_epochs"]
    if epochs < asked or epochs >= recipe.training.max_epochs:
        return True
    logger.info("%d epochs are done; training goes on to %d", epochs, recipe.training.max_epochs)
    return False


def _fit(trainer: lightning.Trainer, module: TrainingModule, data: RunData, start: Path | None) -> None:
    """Let Lightning train; Ctrl-C stays a KeyboardInterrupt, and SIGTERM ends it after the running batch."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        with quiet_lightning():
            trainer.fit(module, datamodule=data, ckpt_path=start, weights_only=True)
    except SystemExit as stop:  # Lightning's answer to Ctrl-C; it also switches the signal off
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stop


def make_network(recipe: Recipe, store: Store, fit: bool = True) -> Network:
    """Build the recipe's network with the weights of its seed and, if `fit`, the store's standardisation.

    Where the recipe names a start, its weights and its standardisation take their place.
    """
    torch.manual_seed(recipe.training.seed)
    network = build_recipe_model(recipe, store.image)
    if fit and recipe.training.start:
        network.load_state_dict(load_start(recipe, store), strict=False)
    elif fit:
        fit_preprocessing(network, recipe, store)
    return network


def steps_per_epoch(recipe: Recipe, store: Store) -> int:
    """Return the optimiser steps of one epoch."""
    settings = recipe.training
    total = store.events("train") - settings.skip
    events = min(settings.limit, total) if settings.limit else total
    return math.ceil(math.ceil(events / settings.batch_size) / settings.accumulate)


def checkpoint_info(recipe: Recipe, store: Store, network: Network) -> CheckpointInfo:
    """Return what a checkpoint says about itself."""
    reference = StoreReference(str(store.path.absolute()), store.info.id)
    return CheckpointInfo(recipe_dict(recipe), network.image, tuple(network.classes), reference)


def make_trainer(
    recipe: Recipe,
    run: Path,
    callbacks: Sequence[lightning.Callback] = (),
    checkpoints: RunCheckpoint | None = None,
) -> lightning.Trainer:
    """Return the Lightning trainer of a run.

    Under torchrun every process joins the same training, on as many machines as torchrun was told.
    """
    settings, folder = recipe.training, RunFolder(run)
    gpu = _use_gpu(settings.device)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_WORLD_SIZE", str(world)))
    bar = sys.stderr.isatty() and logger.isEnabledFor(logging.INFO)  # else History writes a line per epoch
    arguments: dict[str, Any] = {
        "accelerator": "gpu" if gpu else "cpu",
        "devices": local,
        "num_nodes": world // local,
        "strategy": "ddp" if world > 1 else "auto",
        "precision": settings.precision,
        "max_epochs": settings.max_epochs,
        "gradient_clip_val": settings.gradient_clip or None,
        "accumulate_grad_batches": settings.accumulate,
        "callbacks": [
            History(folder.history_file),
            EarlyStopping(
                "validation_auc", mode="max", patience=settings.patience, check_on_train_epoch_end=True
            ),
            checkpoints or RunCheckpoint(folder),
            *([ProgressBar(refresh_rate=10)] if bar else []),
            *callbacks,
        ],
        "plugins": [AtomicCheckpointIO()],
        "logger": make_logger(settings.logger, run, recipe.name),
        "default_root_dir": run,
        "num_sanity_val_steps": 0,
        "use_distributed_sampler": False,
        "enable_model_summary": False,
        "enable_progress_bar": bar,
    }
    with quiet_lightning():
        return lightning.Trainer(**arguments)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's remarks to itself; errors stay."""
    talkers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [talker.level for talker in talkers]
    try:
        for talker in talkers:
            talker.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        for talker, level in zip(talkers, levels, strict=True):
            talker.setLevel(level)


def check_machine(settings: Training) -> None:
    """Check that this machine has what a recipe's section `training` asks for.

    Raises:
        RecipeError: no such device, far more threads than cores, or no package of the logger.
    """
    _use_gpu(settings.device)
    check_logger(settings.logger)
    cores = os.cpu_count() or 1
    if settings.threads > MOST_PER_CORE * cores:
        raise RecipeError(
            f"training.threads {settings.threads}: this machine has {cores} cores; give as many or fewer"
        )


def _use_gpu(device: str) -> bool:
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise RecipeError("training.device is cuda, but torch finds no GPU; use auto or cpu")
    return there and device != "cpu"


def _check_store(recipe: Recipe, store: Store) -> None:
    store.check_model(image_of_recipe(recipe), recipe.classes)
    store.check_labelled("training")
    check_skip(recipe.training, store)
    for split in ("train", "validation"):
        per_class = store.info.splits[split].per_class if split in store.info.splits else {}
        for name in recipe.classes:
            if not per_class.get(name):
                raise StoreError(
                    f"{store.path}: split '{split}' has no event of class '{name}' (found {per_class}); "
                    "ingest files with all classes, or change split"
                )


def _check_recipe(recipe: Recipe, run: Path) -> None:
    """Refuse a folder that belongs to something else."""
    if (run / "store.json").exists():
        raise RunError(f"{run}: holds a store; give another folder for the run")
    if run.exists() and not run.is_dir():
        raise RunError(f"{run}: is a file; give a folder for the run")
    folder = RunFolder(run)
    trained = any(path.exists() for path in (folder.last_checkpoint, folder.best_checkpoint))
    if trained and (path := folder.recipe_file).exists():
        known = load_recipe(path)
        theirs = _flat(recipe_dict(dataclasses.replace(known, model=with_all_options(known.model))))
        mine = _flat(recipe_dict(recipe))
        if mine[_EPOCHS] > theirs[_EPOCHS]:
            theirs[_EPOCHS] = mine[_EPOCHS]  # more epochs continue what is there
        for key in [*mine, *theirs]:
            if mine.get(key) != theirs.get(key) and not key.startswith(_FREE_KEYS):
                raise RunError(
                    f"{run}: trained with {key} = {theirs.get(key)}, the recipe has {mine.get(key)}; "
                    "give another folder for the run"
                )


def _check_checkpoint(info: CheckpointInfo, store: Store, path: Path, pretext: str) -> None:
    if info.pretext != pretext:
        what = "pretrained" if info.pretext else "trained"
        raise RunError(f"{path}: was {what} here; give another folder for the run")
    if info.members:
        raise RunError(f"{path}: is an ensemble of finished runs; give another folder for the run")
    known = info.store
    if known.id != store.info.id:
        raise RunError(
            f"{path}: trained on store {known.path} (id {known.id[:12]}), found {store.path} "
            f"(id {store.info.id[:12]}); give that store, or another folder for the run"
        )


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= (
            _flat(value, f"{prefix}{key}.")
            if isinstance(value, dict) and value
            else {f"{prefix}{key}": value}
        )
    return flat
