"""Transforms that change the values of cells in the same way in every epoch.

Standardisation fitted on the training split is a part of the network (recipe: model.preprocessing), so that
exports carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..store import ImageSpec
from .registry import BatchTransform, TensorBatch, register


class Values:
    """Applies a function to the images that keeps their shape and size."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, batch: TensorBatch, random: torch.Generator) -> TensorBatch:  # noqa: ARG002
        """See `registry.BatchTransform`."""
        return batch._replace(images=self.function(batch.images))

    def spec(self, image: ImageSpec) -> ImageSpec:
        """See `registry.BatchTransform`."""
        return image


@register("zero_suppress")
def zero_suppress(image: ImageSpec, classes: Sequence[str], threshold: float = 1e-3) -> BatchTransform:  # noqa: ARG001
    """Set cells whose absolute value is below `threshold` (unit of the channel) to 0."""
    return Values(lambda x: x * (x.abs() >= threshold))


@register("log1p")
def log1p(image: ImageSpec, classes: Sequence[str], scale: float = 1.0) -> BatchTransform:  # noqa: ARG001
    """Take sign(x) log(1 + |x| / `scale`)."""
    if scale <= 0:
        msg = f"scale {scale} must be above 0"
        raise ValueError(msg)
    return Values(lambda x: x.sign() * (x.abs() / scale).log1p())


@register("l2_normalise")
def l2_normalise(image: ImageSpec, classes: Sequence[str]) -> BatchTransform:  # noqa: ARG001
    """Divide each image by the square root of the sum of its squared cells; empty images stay."""
    return Values(lambda x: x / x.square().sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12))
