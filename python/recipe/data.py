"""Sections of a recipe that say what the files hold, and what images and splits are made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import suggest

Source = Literal["particles", "images", "rhtree", "delphes", "pfnano", "edm4hep", "ispy"]
Kind = Literal["energy", "momentum", "time", "count"]
Particles = Literal["all", "charged", "photon", "neutral_hadron"]
Weight = Literal["pt", "energy", "count"]
Alignment = Literal["centre", "rotate", "flip"]
Tier = Literal["full", "reduced", "mini", "particles"]
TrackPosition = Literal["vertex", "ecal", "none"]
JetSeed = Literal["depth1", "sum", "none"]
LIMITS = ("pt", "abs_eta", "seed_rows")
ENERGY_UNITS, TIME_UNITS, COUNT_UNITS = ("GeV", "MeV", "TeV"), ("ns", "ps", "s"), ("1",)


@dataclass
class Label:
    """Where an event's class comes from."""

    field: str | None = None
    """Branch or column that holds the label; null when the file name decides."""
    values: dict[str, list[float | str]] = dataclasses.field(default_factory=dict)
    """For each class, the values (numbers or words) of `field` that mean it; others are not selected."""
    one_hot: dict[str, str] = dataclasses.field(default_factory=dict)
    """For each class, the branch or column that is 1 for its events and 0 for others, in place of `field`."""
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    """For each class, a part of the file name (case-insensitive) that means it."""
    unlabelled: bool = False
    """The events have no labels: the store can be scored, but not trained on."""


@dataclass
class Inputs:
    """What the files of the user hold."""

    source: Source = "particles"
    """Kind of file content."""
    tree: str = "Events"
    """Name of the TTree or RNTuple in ROOT files."""
    fields: dict[str, str] = field(default_factory=dict)
    """What the source needs -> name of the branch or column, for example px -> part_px."""
    columns: dict[str, str] = field(default_factory=dict)
    """Columns to keep beside the image -> name of the branch or column."""
    label: Label = field(default_factory=Label)
    """The label."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the source, such as layout, scale factors or the least pt."""
    recentre: bool = False
    """Shift the images of files whose highest cell lies elsewhere than image.seed, which are else refused."""


@dataclass
class Channel:
    """One channel of the image."""

    name: str
    """Name of the channel."""
    unit: str = "GeV"
    """Physical unit of its cells (GeV, ns, or 1 for counts)."""
    kind: Kind | None = None
    """energy, momentum, time or count; null: of particles what `weight` says, else energy."""
    particles: Particles = "all"
    """Which particles fill it: all, charged, photon or neutral_hadron."""
    weight: Weight = "pt"
    """What each of them adds: pt, energy or count."""

    def problems(self) -> Iterator[str]:
        """Say what does not make sense."""
        if self.kind is None and self.unit in COUNT_UNITS and self.weight == "count":
            return
        known = {"time": TIME_UNITS, "count": COUNT_UNITS}.get(self.kind or "", ENERGY_UNITS)
        if self.unit not in known:
            found = f"of kind {self.kind}" if self.kind else "without a kind (energy)"
            yield (
                f"image.channels '{self.name}' is {found}, in '{self.unit}'; give a unit of {known}, "
                "or its kind: energy, momentum, time or count"
            )


@dataclass
class Image:
    """Shape and content of the images."""

    channels: list[Channel] = field(default_factory=list)
    """The channels, in order."""
    height: int = 32
    """Rows, along eta."""
    width: int = 32
    """Columns, along phi."""
    eta_half_width: float = 0.8
    """Half of the window in eta, for particle lists."""
    phi_half_width: float = 0.8
    """Half of the window in phi (rad), for particle lists."""
    alignment: list[Alignment] = field(default_factory=list)
    """Steps that align each jet of particle lists, in this order."""
    seed: list[int] = field(default_factory=list)
    """Row and column of the seed cell, [16, 16] in a crop of 32 x 32; empty: [height // 2, width // 2]."""
    tier: Tier | None = None
    """Hits that the cells are made of: full, reduced, mini; null: particles of particle lists, else full."""
    track_position: TrackPosition | None = None
    """Where tracks are put: vertex, ecal, none; null: vertex of particle lists, else none."""
    jet_seed: JetSeed = "none"
    """How jets find their tower: depth1 (highest hit of depth 1), sum (of all depths), none (no jets)."""
    domain: dict[str, list[float | None]] = field(default_factory=dict)
    """Range of use, pt, abs_eta or seed_rows -> [least, largest] (null: open); ingest measures the others."""

    def problems(self) -> Iterator[str]:
        """Say what does not make sense."""
        names = [channel.name for channel in self.channels]
        if not names or len(set(names)) < len(names):
            yield f"image.channels has the names {names}; give one or more, each once"
        if min(self.height, self.width) < 1:
            yield f"image.height is {self.height} and image.width {self.width}; give 1 or more cells"
        if min(self.eta_half_width, self.phi_half_width) <= 0:
            yield "image.eta_half_width and image.phi_half_width must be above 0"
        for channel in self.channels:
            yield from channel.problems()
        yield from self._seed_problems()
        yield from self._domain_problems()

    def _seed_problems(self) -> Iterator[str]:
        size = (self.height, self.width)
        is_inside = all(0 <= place < side for place, side in zip(self.seed, size, strict=False))
        if self.seed and not (len(self.seed) == 2 and is_inside):
            yield (
                f"image.seed is {self.seed}; give the row and column of a cell of the "
                f"{size[0]} x {size[1]} image"
            )

    def _domain_problems(self) -> Iterator[str]:
        for name, limits in self.domain.items():
            if name not in LIMITS:
                yield f"image.domain names '{name}'; {suggest(name, LIMITS)}"
            elif len(limits) != 2 or (None not in limits and limits[0] > limits[1]):  # type: ignore[operator]
                yield f"image.domain.{name} is {limits}; give [least, largest], null where it is open"


@dataclass
class Split:
    """How events are dealt to the splits, by a hash of (source, entry, seed)."""

    train: float = 0.8
    """Fraction for training."""
    validation: float = 0.1
    """Fraction for model selection."""
    test: float = 0.1
    """Fraction for the final test."""
    seed: int = 42
    """Seed of the hash."""

    def problems(self) -> Iterator[str]:
        """Say what does not make sense."""
        fractions = (self.train, self.validation, self.test)
        if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
            yield f"split has the fractions {fractions}; give numbers of 0 or more that add up to 1"
        if not 0 <= self.seed < 2**63:
            yield f"split.seed is {self.seed}; give a number from 0 to 2^63 - 1"
