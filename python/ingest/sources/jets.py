"""Jets of collision events with their particles: what Delphes and CMS PFNano have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ...errors import RecipeError, suggest
from ...recipe import Recipe
from ...store.sparse import Array
from ..objects import ObjectColumns
from ..render import Particles, check_image, render
from ..tables.base import Jagged, check_finite, check_lists, make_steps, require
from ..tables.opening import open_table
from .base import Events
from .particles import make_particles, take

CHUNK = 256  # collisions
OPTIONS = ("min_pt", "max_eta", "radius", "jets", "objects")


class JetSource(ABC):
    """One event per jet above `min_pt` (GeV) and within `max_eta`, options of the recipe.

    A subclass says which branches hold the jets (`jet_fields`: pt, eta, phi, mass) and gives the particles of
    each jet. The columns pt, eta, phi and mass are those of the jet as the file has it.
    """

    jet_fields: dict[str, str]
    particle_fields: list[dict[str, str]]

    def __init__(self, path: str, recipe: Recipe) -> None:
        options = recipe.inputs.options
        for key in options:
            if key not in OPTIONS:
                raise RecipeError(f"inputs.options '{key}': unknown; {suggest(key, OPTIONS)}")
        check_image(recipe.image, kinds_known=True)
        self.path, self.image = path, recipe.image
        self.min_pt, self.max_eta = float(options.get("min_pt", 0.0)), float(options.get("max_eta", np.inf))
        self.radius = float(options.get("radius", 0.8))
        self.table = open_table(path, recipe.inputs.tree)
        self._choose_branches(recipe)
        for fields in (self.jet_fields, *self.particle_fields):
            require(self.table, fields, 1)
        self.side = ObjectColumns(self.table, recipe)
        self.missing, self.entries = self.side.missing, self.table.entries

    @abstractmethod
    def _choose_branches(self, recipe: Recipe) -> None:
        """Set `jet_fields` and `particle_fields`."""

    @abstractmethod
    def _particles(
        self, columns: dict[str, Any], jets: dict[str, Array], offsets: Array, start: int
    ) -> Particles:
        """Return the particles of all jets in order."""

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `sources.Source`."""
        return make_steps(self.table.boundaries(list(self.particle_fields[0].values())), start, stop, CHUNK)

    def read(self, start: int, stop: int) -> Events:
        """See `sources.Source`; jets without a class or particles, or beyond the limits, are not selected."""
        fields = [name for some in (self.jet_fields, *self.particle_fields) for name in some.values()]
        columns = self.table.read(list(dict.fromkeys([*fields, *self.side.names])), start, stop)
        offsets = columns[self.jet_fields["pt"]].offsets
        entries = np.repeat(np.arange(start, stop), np.diff(offsets))
        jets = {role: columns[name].values.astype(np.float64) for role, name in self.jet_fields.items()}
        for role, values in jets.items():
            check_finite(self.path, self.jet_fields[role], values, entries)
        labels = self.side.labels(columns, offsets, start)
        kept = self.side.values(columns, offsets, start)
        particles = self._particles(columns, jets, offsets, start)
        good = (labels >= 0) & (np.diff(particles.offsets) > 0)
        good &= (jets["pt"] >= self.min_pt) & (np.abs(jets["eta"]) <= self.max_eta)
        chosen = np.flatnonzero(good)
        axis = (jets["eta"][chosen], jets["phi"][chosen])
        images, sums = render(take(particles, chosen), self.image, axis)
        result = {role: values[chosen].astype(np.float32) for role, values in jets.items()}
        result["multiplicity"] = sums["multiplicity"].astype(np.float32)
        result |= {name: values[chosen] for name, values in kept.items()}
        return Events(images, labels[chosen], entries[chosen], result)

    def _checked(self, columns: dict[str, Any], fields: dict[str, str], start: int) -> dict[str, Jagged]:
        """Return the lists of one collection of particles: all values finite, momenta not negative."""
        lists = {role: columns[name] for role, name in fields.items()}
        for role, some in lists.items():
            least = 0.0 if role in ("pt", "energy", "em", "had") else None
            check_lists(self.path, fields[role], some, start, least)
        return lists


def gather(values: dict[str, Array], kind: Array, picks: Array, owner: Array, jets: int) -> Particles:
    """Return the items at `picks` as particles of jets; each belongs to the jet `owner` (ascending)."""
    offsets = np.zeros(jets + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=jets), out=offsets[1:])
    chosen = {role: some[picks] for role, some in values.items()}
    return make_particles(offsets, chosen, kind[picks])
