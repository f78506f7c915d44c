"""The image description: what an image holds and how it was made.

One type that goes unchanged from recipe to store.json, checkpoint, model.json and C++, where it is
interface/ImageDescription.h.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from .windows import Window

Kind = Literal["energy", "momentum", "time", "count"]
Tier = Literal["full", "reduced", "mini", "particles"]
TrackPosition = Literal["vertex", "ecal", "none"]
JetSeed = Literal["depth1", "sum", "none"]
Limits: TypeAlias = "tuple[float | None, float | None]"

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

    kind: str
    """crystals or eta_phi."""
    eta_half_width: float | None = None
    phi_half_width: float | None = None
    alignment: tuple[str, ...] = ()
    """How particles were aligned before they were filled in."""

    def to_dict(self) -> dict[str, Any]:
        """Return the content as JSON types; widths and alignment only of windows in eta and phi."""
        if self.kind == "crystals":
            return {"kind": self.kind}
        return {**dataclasses.asdict(self), "alignment": list(self.alignment)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Grid:
        """Return the inverse of `to_dict`."""
        return cls(**{**content, "alignment": tuple(content.get("alignment", ()))})


@dataclass(frozen=True)
class Domain:
    """Ranges that the training events cover, both ends included; None: not known, a limit of None: open."""

    pt: Limits | None = None
    """GeV."""
    abs_eta: Limits | None = None
    seed_rows: Limits | None = None
    """Rows of the whole-ECAL image, 0..279."""

    def to_dict(self) -> dict[str, Any]:
        """Return the known ranges as JSON types."""
        return {name: list(limits) for name in LIMITS if (limits := getattr(self, name)) is not None}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Domain:
        """Return the inverse of `to_dict`."""
        return cls(**{name: cast(Limits, tuple(limits)) for name, limits in content.items()})

    def contains(self, name: str, value: float) -> bool:
        """Return whether `value` lies in the range `name`; NaN lies in none, not even in an open one."""
        low, high = getattr(self, name) or (None, None)
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        return bool(low <= value <= high)

    def over(self, other: Domain) -> Domain:
        """Return these ranges, and those of `other` where there are none."""
        mine = {name: getattr(self, name) for name in LIMITS if getattr(self, name) is not None}
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
    domain: Domain = field(default_factory=Domain)

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

    def of_kind(self, *kinds: Kind) -> list[bool]:
        """Return for each channel whether it is of one of these kinds."""
        return [channel.kind in kinds for channel in self.channels]

    @property
    def window(self) -> Window:
        """Size and seed cell."""
        return Window(self.height, self.width, *self.seed)

    def to_dict(self) -> dict[str, Any]:
        """Return the content as JSON types."""
        return {
            **dataclasses.asdict(self),
            "channels": [dataclasses.asdict(channel) for channel in self.channels],
            "seed": list(self.seed),
            "grid": self.grid.to_dict(),
            "domain": self.domain.to_dict(),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ImageSpec:
        """Return the inverse of `to_dict`."""
        converted = {
            "channels": tuple(ChannelSpec(**channel) for channel in content["channels"]),
            "seed": tuple(content["seed"]),
            "grid": Grid.from_dict(content["grid"]),
            "domain": Domain.from_dict(content["domain"]),
        }
        return cls(**{**content, **converted})

    def differences(self, other: ImageSpec) -> dict[str, tuple[Any, Any]]:
        """Return what two descriptions do not have in common, the domain apart: name -> (own, other)."""
        pairs = {
            "channels": (self.names, other.names),
            "units": (self.units, other.units),
            "kinds": (self.kinds, other.kinds),
            "image shape": (self.shape, other.shape),
            "seed cell": (self.seed, other.seed),
            "grid": (self.grid.to_dict(), other.grid.to_dict()),
            "tier": (self.tier, other.tier),
            "track position": (self.track_position, other.track_position),
            "jet seed": (self.jet_seed, other.jet_seed),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
