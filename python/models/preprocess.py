"""Normalisation of raw images, as a module of the network so that every export carries it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ..errors import ModelError, suggest
from ..recipe import Preprocessing

SMALLEST = 1e-18


def root(values: Tensor) -> Tensor:
    """Return the square root; where a gradient is asked for, that at 0 is 0, not infinite."""
    return values.clamp(min=SMALLEST).sqrt() if values.requires_grad else values.sqrt()


class Preprocess(nn.Module):
    """Per channel, in this order: zero suppression, fraction of the sum, scale, transform, standardisation.

    Only the steps that a channel asks for become part of the graph. An image without any signal stays finite.

    Args:
        channels: names of the channels, in the order of the images.
        settings: settings by channel name; a channel without any is only standardised.

    Raises:
        ModelError: `settings` names a channel that the images lack.
    """

    def __init__(self, channels: Sequence[str], settings: Mapping[str, Preprocessing] | None = None) -> None:
        super().__init__()
        settings = settings or {}
        for name in settings:
            if name not in channels:
                raise ModelError(f"preprocessing names channel '{name}'; {suggest(name, channels)}")
        each = [settings.get(name, Preprocessing()) for name in channels]
        self.has_threshold = any(one.threshold > 0 for one in each)
        self.has_fraction = any(one.fraction for one in each)
        self.has_scale = any(one.scale != 1 for one in each)
        self.transforms = sorted({one.transform for one in each} - {"none"})
        self.has_standard = any(one.standardise for one in each)
        self._set("threshold", [one.threshold for one in each])
        self._set("fraction", [float(one.fraction) for one in each])
        self._set("scale", [one.scale for one in each])
        self._set("standardise", [float(one.standardise) for one in each])
        for word in self.transforms:
            self._set(f"use_{word}", [one.transform == word for one in each])
        self.register_buffer("mean", torch.zeros(len(each), 1, 1))
        self.register_buffer("std", torch.ones(len(each), 1, 1))

    def _set(self, name: str, values: Sequence[float]) -> None:
        """Keep one number per channel, (C, 1, 1); made anew from the recipe, so not part of a checkpoint."""
        self.register_buffer(name, torch.tensor(values).reshape(-1, 1, 1), persistent=False)

    def suppress(self, image: Tensor) -> Tensor:
        """Apply the zero suppression only, (N, C, H, W) -> (N, C, H, W)."""
        if not self.has_threshold:
            return image
        return torch.where(image.abs() < self.get_buffer("threshold"), torch.zeros_like(image), image)

    def physical(self, image: Tensor) -> Tensor:
        """Apply every step before the standardisation, (N, C, H, W) -> (N, C, H, W)."""
        image = self.suppress(image)
        if self.has_fraction:
            image = image / self._total(image)
        if self.has_scale:
            image = image / self.get_buffer("scale")
        for word in self.transforms:
            size = image.abs()
            new = image.sign() * (root(size) if word == "sqrt" else size.log1p())
            image = torch.where(self.get_buffer(f"use_{word}"), new, image)
        return image

    def _total(self, image: Tensor) -> Tensor:
        """Return the sum of each channel that wants its fraction, else 1 and never 0: (N, C, 1, 1)."""
        wanted = self.get_buffer("fraction")
        total = image.sum(dim=(2, 3), keepdim=True) * wanted + (1 - wanted)
        return torch.where(total == 0, torch.ones_like(total), total)

    def forward(self, image: Tensor) -> Tensor:
        """Turn raw images in physical units into the network's input, both (N, C, H, W)."""
        image = self.physical(image)
        if self.has_standard:
            image = (image - self.get_buffer("mean")) / self.get_buffer("std")
        return image

    @torch.no_grad()
    def fit(self, images: Tensor | Iterable[Tensor]) -> None:
        """Set mean and standard deviation per channel over all cells of `images`.

        Args:
            images: raw images (N, C, H, W), or batches of them.

        Raises:
            ModelError: there are no images.
        """
        cells = 0
        sums = torch.zeros_like(self.get_buffer("mean"), dtype=torch.float64)
        squares = torch.zeros_like(sums)
        for batch in [images] if isinstance(images, Tensor) else images:
            values = self.physical(batch).double()
            cells += values.shape[0] * values.shape[2] * values.shape[3]
            sums += values.sum(dim=(0, 2, 3)).reshape(sums.shape)
            squares += values.square().sum(dim=(0, 2, 3)).reshape(sums.shape)
        if cells == 0:
            raise ModelError("standardisation needs at least 1 training image, found none; check the split")
        mean = sums / cells
        std = (squares / cells - mean.square()).clamp(min=0).sqrt()
        wanted = self.get_buffer("standardise") > 0
        self.get_buffer("mean").copy_(torch.where(wanted, mean, torch.zeros_like(mean)))
        self.get_buffer("std").copy_(torch.where(wanted & (std > 0), std, torch.ones_like(std)))
