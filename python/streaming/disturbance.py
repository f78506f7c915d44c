"""What detectors do to images, as one step of the training: noise, dead cells and regions, another scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..store import ImageSpec
from .augmentation import alive, check_range, turned
from .registry import TensorBatch, register

Random = torch.Generator
Way = Callable[[Tensor, Tensor, Random], Tensor]  # (images, strength from 0 to 1 (B, 1, 1, 1), random)
NOISE_DECADES = 2.0  # the weakest noise is so many powers of ten below the strongest
PATCH = 4  # cells on a side of a region that is lost


@register("disturb")
class Disturb:
    """Disturb some images, each in one way of those that `robustness` scans, and leave the others clean.

    Args:
        image: description of the images.
        classes: not used.
        probability: fraction of the images that is disturbed.
        noise: largest sigma of Gaussian noise, over the spread of these images' cells that are not 0;
            drawn evenly in its logarithm over two decades.
        dead: largest fraction of dead cells.
        masked: largest fraction of the image in dead patches of 4 x 4 cells.
        scale: largest change of energies and momenta, as a fraction.
        jitter: largest sigma of the jitter of times, ns.
        turn: whether square images are turned by 90, 180 and 270 degrees, too.
    """

    def __init__(
        self,
        image: ImageSpec,
        classes: Sequence[str],  # noqa: ARG002
        probability: float = 0.5,
        noise: float = 0.3,
        dead: float = 0.3,
        masked: float = 0.4,
        scale: float = 0.2,
        jitter: float = 3.0,
        turn: bool = True,
    ) -> None:
        for name, value in (("probability", probability), ("dead", dead), ("masked", masked)):
            check_range(name, value, 1)
        for name, value in (("noise", noise), ("scale", scale), ("jitter", jitter)):
            check_range(name, value)
        self.probability, self.ways = probability, _ways(image, noise, dead, masked, scale, jitter, turn)

    def __call__(self, batch: TensorBatch, random: Random) -> TensorBatch:
        """See `registry.BatchTransform`."""
        count = len(batch.images)
        disturbed = torch.rand(count, generator=random) < self.probability
        kinds = torch.randint(max(1, len(self.ways)), (count,), generator=random).where(
            disturbed, torch.tensor(-1)
        )
        strength = torch.rand(count, 1, 1, 1, generator=random)
        images = batch.images.clone()
        for kind, way in enumerate(self.ways):
            chosen = kinds == kind
            images[chosen] = way(batch.images[chosen], strength[chosen], random)
        return batch._replace(images=images)


def _ways(
    image: ImageSpec, noise: float, dead: float, masked: float, scale: float, jitter: float, turn: bool
) -> list[Way]:
    """Return the ways that images with these kinds of channels and sides can be disturbed."""
    energies, times = (
        torch.tensor(image.of_kind(*kinds))[None, :, None, None]
        for kinds in (("energy", "momentum"), ("time",))
    )

    def add_noise(x: Tensor, strength: Tensor, random: Random) -> Tensor:
        return x + _normal(x, random) * _spread(x) * noise * 10 ** ((strength - 1) * NOISE_DECADES)

    def scale_energies(x: Tensor, strength: Tensor, _: Random) -> Tensor:
        return x * torch.where(energies, 1 + scale * (2 * strength - 1), 1.0)

    def jitter_times(x: Tensor, strength: Tensor, random: Random) -> Tensor:
        return x + _normal(x, random) * strength * jitter * ((x != 0) & times)

    def turn_quarters(x: Tensor, strength: Tensor, _: Random) -> Tensor:
        return turned(x, (strength.flatten() * 3).long() + 1, image)

    ways: list[tuple[bool, Way]] = [
        (noise > 0, add_noise),
        (dead > 0, lambda x, strength, random: x * alive(x, strength * dead, 1, random)),
        (masked > 0, lambda x, strength, random: x * alive(x, strength * masked, PATCH, random)),
        (scale > 0 and bool(energies.any()), scale_energies),
        (jitter > 0 and bool(times.any()), jitter_times),
        (turn and image.height == image.width, turn_quarters),
    ]
    return [way for used, way in ways if used]


def _normal(images: Tensor, random: Random) -> Tensor:
    return torch.randn(images.shape, generator=random)


def _spread(images: Tensor) -> Tensor:
    """Return the standard deviation of the cells that are not 0, channel by channel (1, C, 1, 1)."""
    seen = images != 0
    count = seen.sum((0, 2, 3), keepdim=True).clamp(min=1)
    mean = images.sum((0, 2, 3), keepdim=True) / count
    return ((images - mean).square() * seen).sum((0, 2, 3), keepdim=True).div(count).sqrt()
