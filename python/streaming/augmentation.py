"""Random transforms for training. Rows run along eta, columns along phi.

What is a symmetry depends on the sample. Around a jet axis, the mirrors in eta and in phi are. In crops of
the ECAL barrel, where both charges are alike, the half turn is one: the half barrel at -eta is that at +eta,
turned about a transverse axis. A single mirror reverses how crystals lean in one direction, which is little.
Rotations are symmetries of jets that were not aligned.
"""

# ruff: noqa: ARG001  # every step is given the image and the classes, needed or not
from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import suggest
from ..geometry.grids import EB_IETA_MAX, EE_ROWS
from ..store import ImageSpec
from .registry import BatchTransform, TensorBatch, register

Random = torch.Generator


class Augment:
    """Applies a function of (images, random) that keeps the shape."""

    def __init__(self, function: Callable[[Tensor, Random], Tensor]) -> None:
        self.function = function

    def __call__(self, batch: TensorBatch, random: Random) -> TensorBatch:
        """See `registry.BatchTransform`."""
        return batch._replace(images=self.function(batch.images, random))


def _chance(images: Tensor, random: Random, probability: float) -> Tensor:
    """Return for each image whether it is changed, (B, 1, 1, 1)."""
    return (torch.rand(len(images), generator=random) < probability)[:, None, None, None]


def check_range(name: str, value: float, largest: float = math.inf) -> None:
    """Raise a ValueError that names an option unless it is a number from 0 to `largest`."""
    if not (0 <= value <= largest and math.isfinite(value)):
        msg = f"{name} {value} must be 0 {'or more' if largest == math.inf else f'to {largest:g}'}"
        raise ValueError(msg)


def _flip(image: ImageSpec, axes: Sequence[int], probability: float) -> BatchTransform:
    """Mirror crops about their seed cell, which stays where it is, other images about their middle."""
    check_range("probability", probability, 1)
    shifts = [_shift(image, axis - 2) if image.grid.kind == "crystals" else 0 for axis in axes]

    def flip(x: Tensor, random: Random) -> Tensor:
        made = x
        for axis, shift in zip(axes, shifts, strict=True):
            made = mirrored(made, axis, shift)
        return torch.where(_chance(x, random, probability), made, x)

    return Augment(flip)


def _shift(image: ImageSpec, axis: int) -> int:
    """Return by how many cells the mirror about the seed differs from that about the middle."""
    shift = 2 * image.seed[axis] - (image.shape[axis + 1] - 1)
    if abs(shift) > image.shape[axis + 1] // 2:
        msg = f"seed {list(image.seed)} lies near the edge; crops mirrored about it would be cut off"
        raise ValueError(msg)
    return shift


def mirrored(images: Tensor, axis: int, shift: int) -> Tensor:
    """Mirror images along an axis and shift them by so many cells."""
    return _shifted(images.flip(axis), axis, shift)


def _shifted(images: Tensor, axis: int, shift: int) -> Tensor:
    """Shift images along an axis; cells that come from nowhere are 0."""
    if not shift:
        return images
    made, kept = torch.zeros_like(images), images.shape[axis] - abs(shift)
    made.narrow(axis, max(shift, 0), kept).copy_(images.narrow(axis, max(-shift, 0), kept))
    return made


def _check_both_sides(image: ImageSpec) -> None:
    """Refuse crops of one side of the detector, whose mirror images are on the other."""
    middle = range(EE_ROWS + EB_IETA_MAX - 1, EE_ROWS + EB_IETA_MAX + 1)
    if image.grid.kind == "crystals" and not all(image.domain.contains("seed_rows", row) for row in middle):
        msg = "the events lie on one side of the detector, their mirror images on the other; leave it out"
        raise ValueError(msg)


@register("flip_eta")
def flip_eta(image: ImageSpec, classes: Sequence[str], probability: float = 0.5) -> BatchTransform:
    """Mirror in eta, crops about their seed cell; refused where all events lie on one side."""
    _check_both_sides(image)
    return _flip(image, [2], probability)


@register("flip_phi")
def flip_phi(image: ImageSpec, classes: Sequence[str], probability: float = 0.5) -> BatchTransform:
    """Mirror in phi, crops about their seed cell."""
    return _flip(image, [3], probability)


@register("half_turn")
def half_turn(image: ImageSpec, classes: Sequence[str], probability: float = 0.5) -> BatchTransform:
    """Mirror in eta and in phi together, that is turn by 180 degrees; otherwise as `flip_eta`."""
    _check_both_sides(image)
    return _flip(image, [2, 3], probability)


@register("rotate90")
def rotate90(image: ImageSpec, classes: Sequence[str]) -> BatchTransform:
    """Turn by 0, 90, 180 or 270 degrees, crops about their seed cell."""
    if image.height != image.width:
        msg = f"images of {image.height} x {image.width} cannot be turned; crop them to a square"
        raise ValueError(msg)

    return Augment(lambda x, random: turned(x, torch.randint(4, (len(x),), generator=random), image))


def turned(images: Tensor, turns: Tensor, image: ImageSpec) -> Tensor:
    """Turn each image (B, C, H, H) by its number of quarter turns (B,), crops about their seed cell."""
    result = images.clone()
    for k in (1, 2, 3):
        rows, columns = image.seed_shift(k)
        made = torch.rot90(images[turns == k], k, (2, 3))
        result[turns == k] = _shifted(_shifted(made, 2, rows), 3, columns)
    return result


@register("rotate")
def rotate(image: ImageSpec, classes: Sequence[str], degrees: float = 180.0) -> BatchTransform:
    """Turn by a random angle of at most `degrees`, interpolating, crops about their seed cell.

    Channels keep their sum (up to 2 x).
    """
    check_range("degrees", degrees)
    centre = (0.0, 0.0)  # grid_sample's coordinates are -1..1 along either side, first the column's
    if image.grid.kind == "crystals":
        centre = (2 * image.seed[1] + 1) / image.width - 1, (2 * image.seed[0] + 1) / image.height - 1

    def turn(x: Tensor, random: Random) -> Tensor:
        angle = (torch.rand(len(x), generator=random) * 2 - 1) * math.radians(degrees)
        cos, sin = angle.cos(), angle.sin()
        aspect = x.shape[3] / x.shape[2]
        right, down = -sin / aspect, sin * aspect
        x0 = centre[0] - cos * centre[0] - right * centre[1]  # the centre stays where it is
        y0 = centre[1] - down * centre[0] - cos * centre[1]
        matrix = torch.stack([cos, right, x0, down, cos, y0], dim=1).reshape(-1, 2, 3)
        grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
        turned = F.grid_sample(x, grid, align_corners=False)
        before, after = x.sum((2, 3), keepdim=True), turned.sum((2, 3), keepdim=True)
        return turned * torch.where(after.abs() > 1e-6, before / after, torch.ones_like(after)).clamp(
            0.5, 2.0
        )

    return Augment(turn)


@register("roll_phi")
def roll_phi(image: ImageSpec, classes: Sequence[str], cells: int) -> BatchTransform:
    """Shift by at most `cells` columns either way, around the edge."""
    check_range("cells", cells, image.width)

    def roll(x: Tensor, random: Random) -> Tensor:
        shift = torch.randint(-cells, cells + 1, (len(x), 1), generator=random)
        columns = (torch.arange(x.shape[3]) - shift) % x.shape[3]  # (B, W)
        return x.gather(3, columns[:, None, None, :].expand_as(x))

    return Augment(roll)


Width = float | list[float]


@register("gaussian_noise")
def gaussian_noise(
    image: ImageSpec,
    classes: Sequence[str],
    sigma: Width | dict[str, Width],
    occupied: bool = False,
    probability: float = 1.0,
) -> BatchTransform:
    """Add noise of `sigma` (unit of the channel) to a fraction `probability` of the images.

    `sigma` is one number, or channel -> number. In place of a number, [low, high] draws the strength of each
    image anew: all channels are as far between their low and high. With `occupied`, noise goes only to cells
    that are not 0, which keeps images as sparse as they were.
    """
    check_range("probability", probability, 1)
    low, high = _per_channel(image, sigma)

    def add(x: Tensor, random: Random) -> Tensor:
        widths = low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=random)
        noise = torch.randn(x.shape, generator=random) * widths * _chance(x, random, probability)
        return x + (noise * (x != 0) if occupied else noise)

    return Augment(add)


@register("mask_patches")
def mask_patches(
    image: ImageSpec,
    classes: Sequence[str],
    size: int = 4,
    fraction: float = 0.1,
) -> BatchTransform:
    """Set each `size` x `size` patch to 0 with probability `fraction`, in all channels."""
    check_range("fraction", fraction, 1)
    if size < 1:
        msg = f"size {size} must be 1 or more"
        raise ValueError(msg)
    return Augment(lambda x, random: x * alive(x, fraction, size, random))


def alive(images: Tensor, fraction: float | Tensor, side: int, random: Random) -> Tensor:
    """Return 0 for a random `fraction`, or (B, 1, 1, 1), of the patches of `side` x `side` cells, else 1."""
    rows, columns = -(-images.shape[2] // side), -(-images.shape[3] // side)
    kept = (torch.rand(len(images), 1, rows, columns, generator=random) >= fraction).to(images.dtype)
    kept = kept.repeat_interleave(side, 2).repeat_interleave(side, 3)
    return kept[:, :, : images.shape[2], : images.shape[3]]


@register("energy_scale")
def energy_scale(image: ImageSpec, classes: Sequence[str], sigma: float = 0.02) -> BatchTransform:
    """Multiply all energies and momenta of an image by one factor, 1 + `sigma` x a standard normal number."""
    check_range("sigma", sigma)
    energies = torch.tensor(image.of_kind("energy", "momentum"))[None, :, None, None]

    def scale(x: Tensor, random: Random) -> Tensor:
        factor = (1 + sigma * torch.randn(len(x), 1, 1, 1, generator=random)).clamp(min=0)
        return torch.where(energies, x * factor, x)

    return Augment(scale)


@register("mixup")
class Mixup:
    """Mix each event with another of the batch, labels and weights too; shares from Beta(alpha, alpha)."""

    def __init__(self, image: ImageSpec, classes: Sequence[str], alpha: float = 0.2) -> None:  # noqa: ARG002
        if not 0 < alpha < math.inf:
            msg = f"alpha {alpha} must be above 0"
            raise ValueError(msg)
        self.alpha, self.classes = alpha, len(classes)

    def __call__(self, batch: TensorBatch, random: Random) -> TensorBatch:
        """See `registry.BatchTransform`; labels become shares of the classes (B, K)."""
        seed = int(torch.randint(2**62, (1,), generator=random))
        count = len(batch.images)
        draws = np.random.default_rng(seed).beta(self.alpha, self.alpha, count).astype(np.float32)
        share = torch.from_numpy(draws)
        other = torch.randperm(count, generator=random)
        shares = batch.labels
        if shares.ndim == 1:
            shares = F.one_hot(shares, self.classes).float()

        def blend(values: Tensor) -> Tensor:
            own = share.reshape(-1, *[1] * (values.ndim - 1))
            return own * values + (1 - own) * values[other]

        return TensorBatch(blend(batch.images), blend(shares), blend(batch.weights))


def _per_channel(image: ImageSpec, sigma: Width | dict[str, Width]) -> tuple[Tensor, Tensor]:
    """Return the lowest and the highest value of each channel, (1, C, 1, 1)."""
    if not isinstance(sigma, dict):
        sigma = dict.fromkeys(image.names, sigma)
    for name in sigma:
        if name not in image.names:
            msg = f"channel '{name}': {suggest(name, image.names)}"
            raise ValueError(msg)
    ranges = [_low_and_high(sigma.get(name, 0.0)) for name in image.names]
    low, high = torch.tensor(ranges).T.reshape(2, 1, -1, 1, 1)
    return low, high


def _low_and_high(width: Width) -> tuple[float, float]:
    low, high = width if isinstance(width, list) and len(width) == 2 else (width, width)
    if isinstance(low, list) or isinstance(high, list) or not 0 <= low <= high < math.inf:
        msg = f"sigma {width}: expected a number of 0 or more, or [low, high]"
        raise ValueError(msg)
    return float(low), float(high)
