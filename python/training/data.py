"""The store's stream as Lightning wants it: by epoch, by rank, resumable inside an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning
from torch import Tensor

from ..errors import RecipeError
from ..models import Network
from ..recipe import Recipe, Training
from ..store import Store
from ..streaming import StoreLoader, TensorBatch, build_transforms
from .teacher import soft_labels

STANDARDISE_EVENTS = 10_000


class EpochStream:
    """A StoreLoader whose iterations know their epoch, and which Lightning can save and restore."""

    def __init__(self, loader: StoreLoader, trainer: lightning.Trainer) -> None:
        self.loader, self.trainer = loader, trainer
        self.start: tuple[int, int] = (0, 0)
        self.done: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        """Batches per epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[TensorBatch]:
        """Yield the batches of the trainer's epoch, from where a resumed run stopped.

        Lightning makes its iterator before it knows the epoch; this body runs at the first batch.
        """
        epoch = self.trainer.current_epoch
        begin = self.start[1] if epoch == self.start[0] else 0
        self.loader.set_epoch(epoch)
        self.loader.set_start(begin)
        for count, batch in enumerate(self.loader, begin + 1):
            self.done = (epoch, count)
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return the epoch and the number of its batches that were delivered."""
        return {"epoch": self.done[0], "batches": self.done[1]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue after the batches of `state_dict`, in that epoch only."""
        self.start = self.done = (int(state["epoch"]), int(state["batches"]))


class RunData(lightning.LightningDataModule):
    """Training and validation streams of a recipe; each rank takes its share of every batch."""

    def __init__(self, recipe: Recipe, store: Store, run: Path | None = None) -> None:
        """Prepare the streams; `run` is where a teacher's probabilities are kept."""
        super().__init__()
        self.recipe, self.store = recipe, store
        self.soft = soft_labels(recipe, store, run) if run is not None and recipe.training.teacher else None

    def train_dataloader(self) -> EpochStream:
        """Return the shuffled training stream with the recipe's augmentation."""
        settings = self.recipe.training
        trainer = self._trainer()
        loader = StoreLoader(
            self.store, "train", batch_size=settings.batch_size, shuffle=True, seed=settings.seed,
            workers=settings.workers, rank=trainer.global_rank, world_size=trainer.world_size,
            limit=settings.limit, skip=settings.skip,
            transforms=build_transforms(settings.augmentation, self.store.image, self.recipe.classes),
            soft=self.soft,
        )  # fmt: skip
        return EpochStream(loader, trainer)

    def val_dataloader(self) -> StoreLoader:
        """Return the validation stream."""
        trainer = self._trainer()
        return StoreLoader(
            self.store, "validation", batch_size=self.recipe.evaluation.batch_size * trainer.world_size,
            shuffle=False, seed=self.recipe.training.seed, rank=trainer.global_rank,
            world_size=trainer.world_size, limit=self.recipe.training.validation_limit,
        )  # fmt: skip

    def _trainer(self) -> lightning.Trainer:
        if self.trainer is None:
            raise RuntimeError("RunData needs a trainer")
        return self.trainer


def check_skip(settings: Training, store: Store) -> None:
    """Refuse to leave out all training images.

    Raises:
        RecipeError: nothing is left.
    """
    total = store.events("train")
    if settings.skip >= total:
        raise RecipeError(f"training.skip {settings.skip}: the store trains on {total} images; give fewer")


def fit_preprocessing(network: Network, recipe: Recipe, store: Store) -> None:
    """Fit the standardisation on the first shuffled batches of the training split, at most 10,000 events."""
    settings = recipe.training
    loader = StoreLoader(
        store, "train", batch_size=min(settings.batch_size, 256), shuffle=True, seed=settings.seed,
        limit=settings.limit, skip=settings.skip,
    )  # fmt: skip
    network.fit(lambda: _images(loader, STANDARDISE_EVENTS))


def _images(loader: StoreLoader, events: int) -> Iterator[Tensor]:
    for batch in loader:
        yield batch.images
        events -= len(batch.images)
        if events <= 0:
            return
