"""The image description: what an image holds and how it was made.

One type that goes unchanged from recipe to store.json, checkpoint, model.json and C++, where it is
interface/ImageDescription.h.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ..artefacts import to_plain
from .windows import Window

Kind = Literal["energy", "momentum", "time", "count"]
Tier = Literal["full", "reduced", "mini", "particles"]
TrackPosition = Literal["vertex", "ecal", "none"]
JetSeed = Literal["depth1", "sum", "none"]
Limits = tuple[float | None, float | None]

LIMITS = ("pt", "abs_eta", "seed_rows")


@dataclass(frozen=True)
class ChannelSpec:
    """One channel; behaviour follows its kind, never its unit or name."""

    name: str
    unit: str
    kind: Kind


@dataclass(frozen=True)
class Grid:
    """What a cell is: a crystal of the ECAL, or a part of a window in eta and phi."""

    kind: Literal["crystals", "eta_phi"]
    eta_half_width: float | UnsetType = UNSET
    phi_half_width: float | UnsetType = UNSET
    alignment: tuple[str, ...] = ()
    """How particles were aligned before they were filled in."""

    @property
    def half_widths(self) -> tuple[float, float] | None:
        """Of a window in eta and phi, else None."""
        if isinstance(self.eta_half_width, UnsetType) or isinstance(self.phi_half_width, UnsetType):
            return None
        return self.eta_half_width, self.phi_half_width


@dataclass(frozen=True)
class Domain:
    """Ranges that the training events cover, both ends included; unset: not known, a limit of None: open."""

    pt: Limits | UnsetType = UNSET
    """GeV."""
    abs_eta: Limits | UnsetType = UNSET
    seed_rows: Limits | UnsetType = UNSET
    """Rows of the whole-ECAL image, 0..279."""

    def contains(self, name: str, value: float) -> bool:
        """Return whether `value` lies in the range `name`; NaN lies in none, not even in an open one."""
        limits = getattr(self, name)
        low, high = (None, None) if limits is UNSET else limits
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        return bool(low <= value <= high)

    def over(self, other: Domain) -> Domain:
        """Return these ranges, and those of `other` where there are none."""
        mine = {name: limits for name in LIMITS if (limits := getattr(self, name)) is not UNSET}
        return dataclasses.replace(other, **mine)


@dataclass(frozen=True)
class ImageSpec:
    """What one image holds, how it was cut, and of which hits."""

    channels: tuple[ChannelSpec, ...]
    height: int
    width: int
    seed: tuple[int, int]
    """Row and column of the seed cell."""
    grid: Grid = Grid("crystals")
    tier: Tier = "full"
    track_position: TrackPosition = "none"
    jet_seed: JetSeed = "none"
    domain: Domain = Domain()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return (len(self.channels), self.height, self.width)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(channel.name for channel in self.channels)

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the channels."""
        return tuple(channel.unit for channel in self.channels)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the channels."""
        return tuple(channel.kind for channel in self.channels)

    @property
    def text(self) -> str:
        """What the images are, in words."""
        channels = ", ".join(f"{channel.name} ({channel.unit})" for channel in self.channels)
        place = f"seed at [{self.seed[0]}, {self.seed[1]}], tier {self.tier}"
        return f"{self.height} x {self.width} of {channels}; {place}"

    def seed_shift(self, turns: int) -> tuple[int, int]:
        """Return the rows and columns that bring the seed of a square crop back after `turns` quarter turns.

        The turns are those of `numpy.rot90`, about the middle of the image. Images that are no crops of
        crystals have their seed in the middle: (0, 0).
        """
        if self.grid.kind != "crystals":
            return 0, 0
        row, column = self.seed
        for _ in range(turns % 4):
            row, column = self.height - 1 - column, row
        return self.seed[0] - row, self.seed[1] - column

    def of_kind(self, *kinds: Kind) -> list[bool]:
        """Return for each channel whether it is of one of these kinds."""
        return [channel.kind in kinds for channel in self.channels]

    @property
    def window(self) -> Window:
        """Size and seed cell."""
        return Window(self.height, self.width, *self.seed)

    def to_dict(self) -> dict[str, Any]:
        """Return the content as JSON types."""
        content: dict[str, Any] = to_plain(self)
        return content

    @classmethod
    def from_dict(cls, content: Any) -> ImageSpec:
        """Return the inverse of `to_dict`.

        Raises:
            ValueError: a key is missing or has another type.
        """
        return msgspec.convert(content, cls)

    def differences(self, other: ImageSpec) -> dict[str, tuple[Any, Any]]:
        """Return what two descriptions do not have in common, the domain apart: name -> (own, other)."""
        pairs = {
            "channels": (self.names, other.names),
            "units": (self.units, other.units),
            "kinds": (self.kinds, other.kinds),
            "image shape": (self.shape, other.shape),
            "seed cell": (self.seed, other.seed),
            "grid": (to_plain(self.grid), to_plain(other.grid)),
            "tier": (self.tier, other.tier),
            "track position": (self.track_position, other.track_position),
            "jet seed": (self.jet_seed, other.jet_seed),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
