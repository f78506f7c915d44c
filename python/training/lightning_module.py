"""Loss, optimiser, schedule and whole-split metrics as a LightningModule."""

# ruff: noqa: ARG002  # hooks of Lightning get more than they need
from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from ..errors import ModelError
from ..files import atomic_path
from ..models import Network
from ..recipe import Training
from ..streaming import TensorBatch
from .auc import auc
from .optimizer import freeze, make_optimizer, schedule_factor

if TYPE_CHECKING:
    from .checkpoint import CheckpointInfo

NAN_BATCH = "nan_batch.pt"


class TrainingModule(lightning.LightningModule):
    """What Lightning trains.

    Args:
        network: the network; its weights are trained, or its moving average is evaluated beside it.
        settings: section `training` of the recipe.
        steps: optimiser steps of the whole run, for the schedule.
        run: where the batch of a loss that is not finite is saved.
        info: goes with every checkpoint.

    Attributes:
        pretext: see `CheckpointInfo`.
    """

    pretext = ""

    def __init__(
        self, network: Network, settings: Training, steps: int, run: Path, info: CheckpointInfo
    ) -> None:
        super().__init__()
        self.network = network
        self.ema = copy.deepcopy(network).requires_grad_(False) if settings.ema_decay else None
        self.settings, self.steps, self.run, self.plain = settings, steps, run, info.to_plain()
        self.class_weights: Tensor | None
        weights = torch.tensor(settings.class_weights) if settings.class_weights else None
        self.register_buffer("class_weights", weights, persistent=False)
        self.logits = torch.compile(network.logits) if settings.compile else network.logits
        self.validation: dict[str, float] = {}
        self.last_loss = torch.zeros(())
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def on_train_batch_start(self, batch: TensorBatch, batch_idx: int) -> None:
        """Seed dropout from (seed, step), so that a resumed run draws what an undisturbed one does."""
        step = self.current_epoch * 1_000_000 + batch_idx
        seed = np.random.SeedSequence([self.settings.seed, step, self.global_rank]).generate_state(
            1, np.uint64
        )
        torch.manual_seed(int(seed[0]) & (2**63 - 1))
        if self.settings.freeze_epochs:
            freeze(self.network, self.current_epoch < self.settings.freeze_epochs)

    def training_step(self, batch: TensorBatch, batch_idx: int) -> Tensor:
        """Return the loss of one batch.

        Raises:
            ModelError: it is not finite; the batch is saved.
        """
        images = batch.images.contiguous(memory_format=torch.channels_last)  # convolutions are faster
        loss = self.loss(self.logits(images).float(), batch)
        self.last_loss = loss.detach()
        if not math.isfinite(self.last_loss.item()):
            self._save_bad_batch(batch)
        return loss

    def loss(self, logits: Tensor, batch: TensorBatch) -> Tensor:
        """Return the mean cross entropy of (N, K) logits, weighted by event and class."""
        smoothing = self.settings.label_smoothing if self.training else 0.0
        each = functional.cross_entropy(
            logits, batch.labels, self.class_weights, reduction="none", label_smoothing=smoothing
        )
        return (each * batch.weights).sum() / batch.weights.sum().clamp(min=1e-12)

    def _save_bad_batch(self, batch: TensorBatch) -> None:
        path = self.run / NAN_BATCH
        with atomic_path(path) as partial:
            torch.save({**batch._asdict(), "loss": self.last_loss, "step": self.global_step}, partial)
        raise ModelError(
            f"{path}: the batch of step {self.global_step}, where the loss became {self.last_loss.item()}; "
            "check the inputs, or lower training.learning_rate"
        )

    def validation_step(self, batch: TensorBatch, batch_idx: int) -> None:
        """Keep the logits of one batch."""
        logits = self.evaluated().logits(batch.images).float()
        self._seen.append((logits.cpu(), batch.labels.cpu(), batch.weights.cpu()))

    def evaluated(self) -> Network:
        """Return the network that is evaluated: the moving average where there is one."""
        return self.ema if self.ema is not None else self.network

    def on_validation_epoch_end(self) -> None:
        """Compute the metrics over the whole split, over all ranks."""
        logits, labels, weights = (torch.cat(parts) for parts in zip(*self._gathered(), strict=True))
        self._seen = []
        real = weights > 0
        logits, labels, weights = logits[real], labels[real], weights[real]
        probabilities = logits.double().softmax(dim=-1).numpy()
        class_weights = None if self.class_weights is None else self.class_weights.cpu()
        each = functional.cross_entropy(logits, labels, class_weights, reduction="none")
        self.validation = {
            "validation_loss": float(each.mean()),
            "validation_auc": auc(labels.numpy(), probabilities),
            "validation_accuracy": float((logits.argmax(dim=-1) == labels).float().mean()),
        }
        self.log_dict(self.validation, prog_bar=True, logger=False)

    def _gathered(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return what all ranks have seen; each event is seen by one of them."""
        if self.trainer.world_size == 1:
            return self._seen
        everyone: list[Any] = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(everyone, self._seen)
        return [batch for rank in everyone for batch in rank]

    def trained(self) -> nn.Module:
        """Return what the optimiser trains."""
        return self.network

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then move the average of the weights towards them (Polyak averaging with a warm-up)."""
        super().optimizer_step(*args, **kwargs)
        if self.ema is not None:
            decay = min(self.settings.ema_decay, (1 + self.global_step) / (10 + self.global_step))
            update_average(self.ema, self.network, decay)

    def configure_optimizers(self) -> Any:
        """Return the optimiser and its schedule."""
        fused = self.device.type == "cpu" and self.settings.precision == "32"
        optimizer = make_optimizer(self.trained(), self.settings, fused=fused)
        schedule = LambdaLR(
            optimizer, lambda step: schedule_factor(step, self.steps, self.settings.warmup_fraction)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put what is needed to build the network into the checkpoint."""
        checkpoint["hyper_parameters"] = self.plain


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Set average = decay * average + (1 - decay) * network for parameters; copy buffers.

    Lightning's WeightAveraging resumes bit for bit, too, but begins with the weights after the first step and
    keeps the average where a checkpoint has the weights: runs made before would train and read differently.
    """
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for mine, other in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(other)
