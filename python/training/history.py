"""RUN/history.csv: one row per epoch, the same after a kill and a resume as in an undisturbed run."""

# ruff: noqa: ARG002  # hooks of Lightning get more than they need
from __future__ import annotations

import csv
import logging
import sys
import time
from pathlib import Path
from typing import Any

import lightning
import torch

from ..errors import RunError
from ..files import atomic_path
from ..progress import LOG_SECONDS
from ..streaming import TensorBatch
from .lightning_module import TrainingModule

log = logging.getLogger(__name__)

COLUMNS = (
    "epoch", "learning_rate", "train_loss", "validation_loss", "validation_auc", "validation_accuracy",
    "images_per_second", "seconds",
)  # fmt: skip


class History(lightning.Callback):
    """Collects the rows; they live in the checkpoint, and the file is rewritten whole after each epoch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []
        self._loss = torch.zeros((), dtype=torch.float64)  # sum of loss * images of this rank in this epoch
        self._images = 0  # of this rank in this epoch
        self._earlier = 0.0  # seconds that the epoch took before a resume
        self._started = self._said = time.perf_counter()
        self._trained = 0.0  # seconds of the epoch until its last training batch

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock, also in the middle of an epoch; write the rows of the checkpoint."""
        self._started = self._said = time.perf_counter()
        self._loss = self._loss.to(pl_module.device)
        if self.rows and trainer.is_global_zero:
            write_history(self.path, self.rows)

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the sums of an epoch."""
        self._loss = torch.zeros_like(self._loss)
        self._images, self._earlier = 0, 0.0
        self._started = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: TensorBatch,
        batch_idx: int,
    ) -> None:
        """Add one batch."""
        assert isinstance(pl_module, TrainingModule)
        self._loss += pl_module.last_loss * len(batch.images)
        self._images += len(batch.images)
        self._trained = self._seconds()
        if trainer.is_global_zero and time.perf_counter() - self._said > LOG_SECONDS:
            speed = self._images * trainer.world_size / self._trained
            self._say(
                f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: batch {batch_idx + 1:,} of "
                f"{trainer.num_training_batches:,}, {speed:,.0f} images/s"
            )

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Add the row of the epoch and write the file."""
        assert isinstance(pl_module, TrainingModule)
        loss, images = self._sums(trainer)
        row = {
            "epoch": trainer.current_epoch + 1,
            "learning_rate": float(trainer.optimizers[0].param_groups[0]["lr"]),
            "train_loss": loss / max(images, 1),
            **pl_module.validation,
            "images_per_second": images / self._trained,
            "seconds": self._seconds(),
        }
        self.rows.append(row)
        if trainer.is_global_zero:
            self._say(epoch_line(row, trainer.max_epochs))
            write_history(self.path, self.rows)
        for logger in trainer.loggers:
            logger.log_metrics(row, step=trainer.current_epoch)

    def _say(self, line: str) -> None:
        """Write a line where no bar shows the progress."""
        self._said = time.perf_counter()
        if not sys.stderr.isatty():
            log.info("%s", line)

    def _seconds(self) -> float:
        return self._earlier + time.perf_counter() - self._started

    def _sums(self, trainer: lightning.Trainer) -> tuple[float, int]:
        """Return the sum of losses and the number of images over all ranks."""
        both = torch.stack([self._loss, torch.full_like(self._loss, self._images)])
        loss, images = trainer.strategy.reduce(both, reduce_op="sum").tolist()
        return float(loss), int(images)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows and the sums of the running epoch, for the checkpoint."""
        return {
            "rows": self.rows,
            "loss": float(self._loss),
            "images": self._images,
            "seconds": self._seconds(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.rows = list(state_dict["rows"])
        self._loss = torch.tensor(state_dict["loss"], dtype=torch.float64)
        self._images, self._earlier = int(state_dict["images"]), float(state_dict["seconds"])


def epoch_line(row: dict[str, float], epochs: int | None) -> str:
    """Return what a log file says of an epoch."""
    auc, speed = row["validation_auc"], row["images_per_second"]
    losses = f"loss {row['train_loss']:.4f}, validation {row['validation_loss']:.4f}"
    return f"epoch {row['epoch']:.0f}/{epochs}: {losses}, AUC {auc:.4f}, {speed:,.0f} images/s"


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Write the rows as CSV, atomically, with numbers that read back exactly."""
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def read_history(path: Path) -> list[dict[str, float]]:
    """Return the rows of a history.csv.

    Raises:
        RunError: missing or not such a file.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [{key: float(row[key]) for key in COLUMNS} for row in csv.DictReader(file)]
        if not rows:
            raise ValueError("it has no epoch")
        return rows
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{path}: not a training history ({reason}); train this run first") from error
