"""Transforms that change the size or the channels of images: entries of a recipe's `transforms`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import suggest
from ..store import ImageSpec
from .registry import BatchTransform, TensorBatch, register


class Reshape:
    """Applies a function (B, C, H, W) -> (B, C', H', W') to the images."""

    def __init__(self, function: Callable[[Tensor], Tensor], result: ImageSpec) -> None:
        self.function, self.result = function, result

    def __call__(self, batch: TensorBatch, random: torch.Generator) -> TensorBatch:  # noqa: ARG002
        """See `registry.BatchTransform`."""
        return batch._replace(images=self.function(batch.images))

    def spec(self, image: ImageSpec) -> ImageSpec:  # noqa: ARG002
        """See `registry.BatchTransform`."""
        return self.result


@register("centre_crop")
def centre_crop(image: ImageSpec, classes: Sequence[str], size: int) -> BatchTransform:  # noqa: ARG001
    """Keep the `size` x `size` cells around the seed, the cell ((H - 1) // 2, (W - 1) // 2)."""
    if not 1 <= size <= min(image.height, image.width):
        msg = f"size {size} must be 1 to {min(image.height, image.width)}"
        raise ValueError(msg)
    top = (image.height - 1) // 2 - (size - 1) // 2
    left = (image.width - 1) // 2 - (size - 1) // 2
    result = replace(image, height=size, width=size)
    return Reshape(lambda x: x[:, :, top : top + size, left : left + size], result)


@register("downsample")
def downsample(
    image: ImageSpec,
    classes: Sequence[str],  # noqa: ARG001
    factor: int,
    how: str = "sum",
) -> BatchTransform:
    """Join `factor` x `factor` cells into their sum or their maximum."""
    if factor < 1 or image.height % factor or image.width % factor:
        msg = f"factor {factor} does not divide {image.height} x {image.width}; crop first"
        raise ValueError(msg)
    if how not in ("sum", "max"):
        msg = f"how '{how}': {suggest(how, ('sum', 'max'))}"
        raise ValueError(msg)
    result = replace(image, height=image.height // factor, width=image.width // factor)
    if how == "max":
        return Reshape(lambda x: F.max_pool2d(x, factor), result)
    return Reshape(lambda x: F.avg_pool2d(x, factor, divisor_override=1), result)


@register("select_channels")
def select_channels(image: ImageSpec, classes: Sequence[str], channels: list[str]) -> BatchTransform:  # noqa: ARG001
    """Keep these channels, in this order."""
    for name in channels:
        if name not in image.channels:
            msg = f"channel '{name}': {suggest(name, image.channels)}"
            raise ValueError(msg)
    index = [image.channels.index(name) for name in channels]
    units = tuple(image.units[i] for i in index)
    return Reshape(lambda x: x[:, index], replace(image, channels=tuple(channels), units=units))


@register("sum_channels")
def sum_channels(image: ImageSpec, classes: Sequence[str], name: str = "sum") -> BatchTransform:  # noqa: ARG001
    """Add all channels, which must have one unit, into one."""
    if len(set(image.units)) != 1:
        msg = f"channels in {', '.join(image.units)} cannot be added; select channels first"
        raise ValueError(msg)
    result = replace(image, channels=(name,), units=image.units[:1])
    return Reshape(lambda x: x.sum(dim=1, keepdim=True), result)
