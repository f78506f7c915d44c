"""Patches hidden from a ViT, which reconstructs them: vit-pytorch's masked autoencoder (arXiv:2111.06377)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from .masked import MaskedCells, MaskedResult
from .network import Network, Pad
from .torch_imports import vit_module


class MaskedPatches(nn.Module):
    """Hides patches of normalised images from a network and reconstructs them.

    The module of vit-pytorch is used for its parts: it returns a loss only, not what it reconstructs.

    Args:
        network: one of the models `vit` and `reference_vit`; its encoder is trained, not its head.
        fraction: of the patches that is hidden, in (0, 1).

    Raises:
        ModelError: the network is of another model, or has so few patches that none is hidden.
    """

    def __init__(self, network: Network, fraction: float) -> None:
        super().__init__()
        found = [module for module in network.backbone.modules() if isinstance(module, vit_module("vit").ViT)]
        if not found:
            raise ModelError(
                f"model '{network.name}' cannot be pretrained; sparse_vit, vit and reference_vit can"
            )
        vit, self.fraction = found[0], fraction
        dim = vit.pos_embedding.shape[-1]
        self.mae = vit_module("mae").MAE(
            encoder=vit, decoder_dim=dim, masking_ratio=fraction, decoder_heads=4, decoder_dim_head=dim // 4
        )
        if int(fraction * self.mae.decoder_pos_emb.num_embeddings) < 1:
            raise ModelError(f"mask fraction {fraction} hides none of the patches; give a larger one")

    def forward(self, network: Network, image: Tensor, random: torch.Generator | None = None) -> MaskedResult:
        """Hide patches of raw images (N, C, H, W) and reconstruct them."""
        patches, hits = self._patches(network, image)
        hidden, expected = self._reconstruct(patches, random)
        rows = torch.arange(len(patches), device=patches.device)[:, None]
        loss = functional.mse_loss(expected, patches[rows, hidden])
        was_hit = (hits[rows, hidden] > 0).float().flatten(1)
        return MaskedResult(loss, expected.flatten(1), was_hit, torch.ones_like(was_hit, dtype=torch.bool))

    def _patches(self, network: Network, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the patches of normalised images and of their content without noise, both (N, P, D)."""
        with torch.no_grad():
            image = network.steps(image)
            normalised, content = network.preprocess(image), network.preprocess.suppress(image)
            pad = _pad(network)
            return self.mae.to_patch(pad(normalised)), self.mae.to_patch(pad(content))

    def _reconstruct(self, patches: Tensor, random: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Return which patches were hidden (N, H), and what is expected in them (N, H, D)."""
        mae: Any = self.mae
        count, places, _ = patches.shape
        device = patches.device
        order = torch.rand(count, places, generator=random, device=None if random else device).to(device)
        order = order.argsort(dim=1)
        number = int(self.fraction * places)
        hidden, seen = order[:, :number], order[:, number:]
        rows = torch.arange(count, device=device)[:, None]
        tokens = mae.patch_to_emb(patches) + mae.encoder.pos_embedding[-places:]
        known = mae.enc_to_dec(mae.encoder.transformer(tokens[rows, seen])) + mae.decoder_pos_emb(seen)
        every = mae.mask_token + mae.decoder_pos_emb(torch.arange(places, device=device))
        every = every.repeat(count, 1, 1).to(known.dtype)
        every[rows, seen] = known
        return hidden, mae.to_pixels(mae.decoder(every)[rows, hidden])

    @torch.no_grad()
    def picture(
        self, network: Network, image: Tensor, random: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return first channels of normalised images: whole, without the hidden patches, reconstructed."""
        patches, _ = self._patches(network, image)
        hidden, expected = self._reconstruct(patches, random)
        rows = torch.arange(len(patches))[:, None]
        seen, rebuilt, empty = patches.clone(), patches.clone(), patches.amin()
        seen[rows, hidden] = empty
        rebuilt[rows, hidden] = expected
        pictures = [(self._image(network, one) - empty).clamp(min=0) for one in (patches, seen, rebuilt)]
        return pictures[0], pictures[1], pictures[2]

    def _image(self, network: Network, patches: Tensor) -> Tensor:
        """Return the first channel of padded images from their patches (N, H, W)."""
        pad = _pad(network)
        channels = network.seen.shape[0]
        side = self.mae.encoder.patch_size
        cells = patches.reshape(len(patches), pad.height // side[0], pad.width // side[1], *side, channels)
        return cells[..., 0].permute(0, 1, 3, 2, 4).reshape(len(patches), pad.height, pad.width)


def _pad(network: Network) -> Pad:
    """Return the padding that stands before a ViT."""
    return next(module for module in network.backbone.modules() if isinstance(module, Pad))


def masked(network: Network, fraction: float) -> MaskedCells | MaskedPatches:
    """Return what asks a network about what is hidden from it: cells of a `sparse_vit`, else patches.

    Raises:
        ModelError: the network is of a model that cannot be pretrained.
    """
    return (MaskedCells if network.name == "sparse_vit" else MaskedPatches)(network, fraction)
