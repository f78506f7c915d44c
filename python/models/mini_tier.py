"""What MiniAOD keeps of the hits: 5 x 5 crystals around the maxima of clusters (reducedEgamma)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from ..store import ImageSpec
from .steps import Step, register_step

KEPT = 5  # crystals on a side around a maximum


@register_step("mini_tier")
class MiniTier(Step):
    """Drop the hits that MiniAOD does not have, so that a network sees of any tier what it would see there.

    A cluster's maximum is a crystal of at least `least` GeV that no neighbour exceeds, within `rows` rows of
    the seed, where the clusters of a supercluster lie. Hits of a cluster further than two crystals from its
    maximum, which MiniAOD has, too, are dropped: they are few and carry little energy.
    """

    def __init__(self, image: ImageSpec, least: float = 0.23, rows: int = 2) -> None:
        super().__init__()
        energies = [place for place, chosen in enumerate(image.of_kind("energy")) if chosen]
        if image.grid.kind != "crystals" or len(energies) != 1:
            msg = f"needs one channel of kind energy in crystals, found {len(energies)} in {image.grid.kind}"
            raise ValueError(msg)
        if least <= 0 or rows < 0:
            msg = f"least {least} must be above 0 and rows {rows} at least 0"
            raise ValueError(msg)
        self.energy, self.least = energies[0], least
        near = (torch.arange(image.height) - image.seed[0]).abs() <= rows
        self.register_buffer("near", near.float().reshape(1, 1, -1, 1), persistent=False)
        self.image = replace(image, tier="mini")

    def forward(self, image: Tensor) -> Tensor:
        """Drop hits of images (N, C, H, W)."""
        energy = image[:, self.energy : self.energy + 1]
        highest = functional.max_pool2d(energy, 3, stride=1, padding=1)
        maxima = ((energy >= highest) & (energy >= self.least)).to(image.dtype) * self.get_buffer("near")
        kept = functional.max_pool2d(maxima, KEPT, stride=1, padding=KEPT // 2)
        return torch.where(kept > 0, image, torch.zeros_like(image))
