"""Steps on pixels and shape, by the names that a recipe's `transforms` use: the first part of every network.

They are modules, so that every export carries them: what is scored is always the raw image of the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import RecipeError, suggest
from ..recipe import Transform, check_options
from ..store import ChannelSpec, ImageSpec


class Step(nn.Module):
    """A step: images (N, C, H, W) of one description -> images of the description `image`."""

    image: ImageSpec


Maker = Callable[..., Step]
_STEPS: dict[str, Maker] = {}


def register_step(name: str) -> Callable[[Maker], Maker]:
    """Make a module known to recipes as `name`.

    It is made as step(image, **options) and turns images (N, C, H, W) of the description `image` into those
    of its attribute `image`, without random numbers.
    """

    def add(step: Maker) -> Maker:
        _STEPS[name] = step
        return step

    return add


def list_steps() -> list[str]:
    """Return the names that `transforms` of a recipe may use."""
    from . import mini_tier  # noqa: F401  registers its step

    return sorted(_STEPS)


def build_steps(entries: Sequence[Transform], image: ImageSpec) -> tuple[nn.Sequential, ImageSpec]:
    """Return the steps of a recipe's `transforms` for images of `image`, and what the images are after them.

    Raises:
        RecipeError: unknown name or option, or an option that does not fit the image.
    """
    from . import mini_tier  # noqa: F401  registers its step

    steps = nn.Sequential()
    for entry in entries:
        if entry.name not in _STEPS:
            raise RecipeError(
                f"transforms '{entry.name}': no step on pixels or shape (augmentation belongs to "
                f"training.augmentation); {suggest(entry.name, _STEPS)}"
            )
        step = _build(entry, image)
        steps.append(step)
        image = step.image
    return steps, image


def _build(entry: Transform, image: ImageSpec) -> Step:
    maker = _STEPS[entry.name]
    check_options(f"transforms '{entry.name}'", maker, entry.options, given=("image",))
    try:
        return maker(image=image, **entry.options)
    except ValueError as error:
        raise RecipeError(f"transforms '{entry.name}': {error}; correct its options") from error


@register_step("centre_crop")
class CentreCrop(Step):
    """Keep the `size` x `size` cells around the seed, which comes to lie at (size // 2, size // 2)."""

    def __init__(self, image: ImageSpec, size: int) -> None:
        super().__init__()
        self.top, self.left = (place - size // 2 for place in image.seed)
        self.size = size
        inside = min(self.top, self.left) >= 0
        if size < 1 or not inside or self.top + size > image.height or self.left + size > image.width:
            msg = f"size {size} does not fit around the seed {image.seed} of {image.height} x {image.width}"
            raise ValueError(msg)
        self.image = replace(image, height=size, width=size, seed=(size // 2, size // 2))

    def forward(self, image: Tensor) -> Tensor:
        """Cut images (N, C, H, W)."""
        return image[:, :, self.top : self.top + self.size, self.left : self.left + self.size]


@register_step("downsample")
class Downsample(Step):
    """Join `factor` x `factor` cells into their sum or their maximum.

    Of the channels named in `counts`, how many of these cells were hit (are above 0) is added as a channel
    of its own, NAME_count: what the sum no longer tells.
    """

    def __init__(
        self,
        image: ImageSpec,
        factor: int,
        how: Literal["sum", "max"] = "sum",
        counts: list[str] | None = None,
    ) -> None:
        super().__init__()
        if factor < 1 or image.height % factor or image.width % factor:
            msg = f"factor {factor} does not divide {image.height} x {image.width}; crop first"
            raise ValueError(msg)
        self.factor, self.how = factor, how
        self.counted = _indices(image, counts or [])
        if len(set(self.counted)) < len(self.counted):
            raise ValueError(f"counts has {' '.join(counts or [])}; give each once")
        added = tuple(ChannelSpec(f"{image.names[i]}_count", "1", "count") for i in self.counted)
        if set(image.names) & {one.name for one in added}:
            msg = f"counts: the image has a channel {added[0].name} already"
            raise ValueError(msg)
        self.image = replace(
            image,
            channels=image.channels + added,
            height=image.height // factor,
            width=image.width // factor,
            seed=(image.seed[0] // factor, image.seed[1] // factor),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Join cells of images (N, C, H, W)."""
        joined = functional.max_pool2d(image, self.factor) if self.how == "max" else self._sums(image)
        if not self.counted:
            return joined
        hits = torch.cat([image[:, i : i + 1] > 0 for i in self.counted], dim=1).to(image.dtype)
        return torch.cat([joined, self._sums(hits)], dim=1)

    def _sums(self, image: Tensor) -> Tensor:
        return functional.avg_pool2d(image, self.factor) * float(self.factor**2)


def _indices(image: ImageSpec, names: list[str]) -> list[int]:
    """Return the places of channels by their names."""
    for name in names:
        if name not in image.names:
            msg = f"channel '{name}': {suggest(name, image.names)}"
            raise ValueError(msg)
    return [image.names.index(name) for name in names]


@register_step("select_channels")
class SelectChannels(Step):
    """Keep these channels, in this order."""

    def __init__(self, image: ImageSpec, channels: list[str]) -> None:
        super().__init__()
        self.index = _indices(image, channels)
        self.image = replace(image, channels=tuple(image.channels[i] for i in self.index))

    def forward(self, image: Tensor) -> Tensor:
        """Select channels of images (N, C, H, W)."""
        return torch.cat([image[:, i : i + 1] for i in self.index], dim=1)


@register_step("sum_channels")
class SumChannels(Step):
    """Add all channels, which must have one unit and none of which may be a time, into one."""

    def __init__(self, image: ImageSpec, name: str = "sum") -> None:
        super().__init__()
        if len(set(image.units)) != 1 or any(image.of_kind("time")):
            msg = f"channels in {', '.join(image.units)} cannot be added; select channels first"
            raise ValueError(msg)
        kind = image.kinds[0] if len(set(image.kinds)) == 1 else "energy"
        self.image = replace(image, channels=(ChannelSpec(name, image.units[0], kind),))

    def forward(self, image: Tensor) -> Tensor:
        """Add the channels of images (N, C, H, W)."""
        return image.sum(dim=1, keepdim=True)


class _Values(Step):
    """A step that keeps the description of the images."""

    def __init__(self, image: ImageSpec) -> None:
        super().__init__()
        self.image = image


@register_step("zero_suppress")
class ZeroSuppress(_Values):
    """Set cells whose absolute value is below `threshold` (unit of the channel) to 0."""

    def __init__(self, image: ImageSpec, threshold: float = 1e-3) -> None:
        super().__init__(image)
        self.threshold = threshold

    def forward(self, image: Tensor) -> Tensor:
        """Suppress cells of images (N, C, H, W)."""
        return torch.where(image.abs() >= self.threshold, image, torch.zeros_like(image))


@register_step("log1p")
class Log1p(_Values):
    """Take sign(x) log(1 + |x| / `scale`)."""

    def __init__(self, image: ImageSpec, scale: float = 1.0) -> None:
        super().__init__(image)
        if scale <= 0:
            msg = f"scale {scale} must be above 0"
            raise ValueError(msg)
        self.scale = scale

    def forward(self, image: Tensor) -> Tensor:
        """Compress the cells of images (N, C, H, W)."""
        return image.sign() * (image.abs() / self.scale).log1p()


@register_step("l2_normalise")
class L2Normalise(_Values):
    """Divide each image by the square root of the sum of its squared cells; empty images stay."""

    def forward(self, image: Tensor) -> Tensor:
        """Normalise images (N, C, H, W)."""
        return image / image.square().sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
