"""Jets of collision events with their particles: what Delphes, CMS PFNano and EDM4hep have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ...errors import RecipeError, suggest
from ...geometry.status import Status
from ...recipe import Recipe
from ...store.sparse import Array
from ..objects import ObjectColumns
from ..render import Particles, check_image, render, wrap
from ..tables.base import Jagged, check_finite, check_lists, make_steps, require
from ..tables.opening import open_table
from .base import Events
from .particles import make_particles, take

CHUNK = 256  # collisions


class JetSource(ABC):
    """One event per jet above `min_pt` (GeV) and within `max_eta`, options of the recipe.

    A subclass says which branches hold the jets (`jet_fields`: pt, eta, phi, mass) and gives the particles of
    each jet. The columns pt, eta, phi and mass are those of the jet as the file has it.
    """

    jet_fields: dict[str, str]
    particle_fields: list[dict[str, str]]
    jagged = True
    OPTIONS: tuple[str, ...] = ("min_pt", "max_eta", "radius", "jets", "objects")

    def __init__(self, path: str, recipe: Recipe, everything: bool = False) -> None:
        options = recipe.inputs.options
        for key in options:
            if key not in self.OPTIONS:
                raise RecipeError(f"inputs.options '{key}': unknown; {suggest(key, self.OPTIONS)}")
        check_image(recipe.image, kinds_known=True)
        self.path, self.image, self.everything = path, recipe.image, everything
        self.min_pt, self.max_eta = float(options.get("min_pt", 0.0)), float(options.get("max_eta", np.inf))
        self.radius = float(options.get("radius", 0.8))
        self.table = open_table(path, recipe.inputs.tree)
        self._choose_branches(recipe)
        for fields in (self.jet_fields, *self.particle_fields):
            require(self.table, fields, 1)
        self.side = ObjectColumns(self.table, recipe)
        self.missing, self.entries = self.side.missing, self.table.entries
        self.unreadable: dict[int, str] = {}

    @abstractmethod
    def _choose_branches(self, recipe: Recipe) -> None:
        """Set `jet_fields` and `particle_fields`."""

    @abstractmethod
    def _particles(
        self, columns: dict[str, Any], jets: dict[str, Array], offsets: Array, start: int
    ) -> tuple[Particles, Array]:
        """Return the particles of all jets in order, and which jets have particles that are not finite."""

    def _jets(self, values: dict[str, Array]) -> dict[str, Array]:
        """Return pt, eta, phi and mass of jets from the values of `jet_fields`."""
        return values

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `sources.Source`."""
        return make_steps(self.table.boundaries(list(self.particle_fields[0].values())), start, stop, CHUNK)

    def read(self, start: int, stop: int) -> Events:
        """See `sources.Source`; jets without a class or particles, or beyond the limits, are not selected."""
        fields = [name for some in (self.jet_fields, *self.particle_fields) for name in some.values()]
        columns = self.table.read(list(dict.fromkeys([*fields, *self.side.names])), start, stop)
        offsets = columns[next(iter(self.jet_fields.values()))].offsets
        entries = np.repeat(np.arange(start, stop), np.diff(offsets))
        raw = {role: columns[name].values.astype(np.float64) for role, name in self.jet_fields.items()}
        jets = self._jets(raw)
        for role, values in raw.items():
            if not self.everything:
                check_finite(self.path, self.jet_fields[role], values, entries)
        labels = self.side.labels(columns, offsets, start)
        kept = self.side.values(columns, offsets, start)
        particles, bad = self._particles(columns, jets, offsets, start)
        status = self._status(jets, np.diff(particles.offsets), bad)
        chosen = np.flatnonzero((labels >= 0) & (status == Status.SCORED))
        axis = (jets["eta"][chosen], jets["phi"][chosen])
        images, sums = render(take(particles, chosen), self.image, axis)
        kept = {**{role: values.astype(np.float32) for role, values in jets.items()}, **kept}
        result = {name: values[chosen] for name, values in kept.items()}
        result["multiplicity"] = sums["multiplicity"].astype(np.float32)
        events = Events(images, labels[chosen], entries[chosen], result)
        return events.spread(chosen, status, entries, kept) if self.everything else events

    def _status(self, jets: dict[str, Array], particles: Array, bad: Array) -> Array:
        """Return the status of each jet; `particles` is their number."""
        limits = [~(jets["pt"] >= self.min_pt), ~(np.abs(jets["eta"]) <= self.max_eta)]
        reasons = [Status.PT, Status.ETA, Status.NOT_FINITE, Status.NO_SEED]
        unusable = bad | ~np.isfinite(jets["phi"])
        return np.select([*limits, unusable, particles == 0], reasons, Status.SCORED).astype(np.int8)

    def _checked(self, columns: dict[str, Any], fields: dict[str, str], start: int) -> dict[str, Jagged]:
        """Return the lists of one collection of particles: all values finite, momenta not negative.

        Where everything is read, `gather` tells which jets have others.
        """
        lists = {role: columns[name] for role, name in fields.items()}
        for role, some in lists.items():
            if self.everything:
                continue
            least = 0.0 if role in ("pt", "energy", "em", "had") else None
            check_lists(self.path, fields[role], some, start, least)
        return lists


class ConeSource(JetSource):
    """A jet's particles are those within `radius` of its axis (default 0.8)."""

    @abstractmethod
    def _collect(self, columns: dict[str, Any], start: int) -> tuple[dict[str, Array], Array, Array]:
        """Return pt, eta, phi of all particles, their event (ascending) and their kind."""

    def _particles(
        self, columns: dict[str, Any], jets: dict[str, Array], offsets: Array, start: int
    ) -> tuple[Particles, Array]:
        events = len(offsets) - 1
        values, event, kind = self._collect(columns, start)
        first = np.searchsorted(event, np.arange(events + 1))  # particles of an event follow each other
        jet_event = np.repeat(np.arange(events), np.diff(offsets))
        counts = np.diff(first)[jet_event]
        owner = np.repeat(np.arange(len(jet_event)), counts)
        picks = np.arange(counts.sum()) + np.repeat(first[jet_event] - (np.cumsum(counts) - counts), counts)
        eta = values["eta"][picks] - jets["eta"][owner]
        phi = wrap(values["phi"][picks] - jets["phi"][owner])
        near = eta**2 + phi**2 < self.radius**2
        return gather(values, kind, picks[near], owner[near], len(jet_event))


def gather(
    values: dict[str, Array], kind: Array, picks: Array, owner: Array, jets: int
) -> tuple[Particles, Array]:
    """Return the items at `picks` as particles of jets; each belongs to the jet `owner` (ascending).

    Also return (jets,) which have values that are not finite; these have no particles.
    """
    finite = np.logical_and.reduce([np.isfinite(some[picks]) for some in values.values()])
    bad = np.zeros(jets, bool)
    if not finite.all():
        bad[owner[~finite]] = True
        picks, owner = picks[~bad[owner]], owner[~bad[owner]]
    offsets = np.zeros(jets + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=jets), out=offsets[1:])
    chosen = {role: some[picks] for role, some in values.items()}
    return make_particles(offsets, chosen, kind[picks]), bad
