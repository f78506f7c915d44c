"""Learning without labels, as a LightningModule."""

# ruff: noqa: ARG002  # hooks of Lightning get more than they need
from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from ..models import Network
from ..models.masked import MaskedCells
from ..models.masked_patches import MaskedPatches, masked
from ..recipe import Training
from ..streaming import TensorBatch
from .auc import auc
from .lightning_module import TrainingModule

if TYPE_CHECKING:
    from .checkpoint import CheckpointInfo


class PretrainingModule(TrainingModule):
    """Trains a network to tell what is hidden from it; the labels of batches are not looked at.

    Its validation AUC is that of telling hidden cells with signal from empty places.
    """

    pretext = "masked cells"

    def __init__(
        self, network: Network, settings: Training, steps: int, run: Path, info: CheckpointInfo
    ) -> None:
        super().__init__(network, settings, steps, run, info)
        self.decoder = masked(network, settings.mask_fraction)

    def training_step(self, batch: TensorBatch, batch_idx: int) -> Tensor:
        """Return the loss of one batch.

        Raises:
            ModelError: it is not finite; the batch is saved.
        """
        loss: Tensor = self.decoder(self.network, batch.images).loss
        self.last_loss = loss.detach()
        if not math.isfinite(self.last_loss.item()):
            self._save_bad_batch(batch)
        return loss

    def validation_step(self, batch: TensorBatch, batch_idx: int) -> None:
        """Keep the answers of one batch; the same cells are hidden each time."""
        random = torch.Generator().manual_seed(self.settings.seed + batch_idx)
        result = self.decoder(self.network, batch.images, random)
        answers = result.logits[result.asked].float().cpu()
        self._seen.append((answers, result.was_hit[result.asked].cpu(), torch.ones_like(answers)))

    def on_validation_epoch_end(self) -> None:
        """Compute the metrics over the whole split, over all ranks."""
        logits, was_hit, _ = (torch.cat(parts) for parts in zip(*self._gathered(), strict=True))
        self._seen = []
        probability = logits.double().sigmoid()
        both = torch.stack([1 - probability, probability], dim=1).numpy()
        self.validation = {
            "validation_loss": float(functional.binary_cross_entropy_with_logits(logits, was_hit)),
            "validation_auc": auc(was_hit.long().numpy(), both),
            "validation_accuracy": float(((logits > 0) == (was_hit > 0)).float().mean()),
        }
        self.log_dict(self.validation, prog_bar=True, logger=False)

    def trained(self) -> nn.Module:
        """Return the encoder and the decoder."""
        return nn.ModuleList([self.network, self.decoder])


def read_pretrained(path: Path) -> tuple[Network, MaskedCells | MaskedPatches]:
    """Return the network of a pretraining's checkpoint and what asks it, in evaluation mode.

    Raises:
        ModelError: missing, torn, or not of a pretraining.
    """
    from .checkpoint import load_network, read_checkpoint

    network, info = load_network(path)
    if not isinstance(network, Network) or not info.pretext:
        raise ModelError(f"{path}: not of a pretraining; give a run of scripts/pretrain.py")
    decoder = masked(network, info.recipe["training"]["mask_fraction"])
    state = read_checkpoint(path)["state_dict"]
    start = "decoder."
    decoder.load_state_dict(
        {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}
    )
    return network, decoder.eval()
