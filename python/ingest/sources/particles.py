"""Lists of particles per jet, from TTrees, RNTuples and Parquet."""

from __future__ import annotations

import numpy as np

from ...errors import InputError, RecipeError, suggest
from ...geometry.status import Status
from ...recipe import Recipe
from ...store.sparse import Array
from ..render import CHARGED, NEUTRAL_HADRON, PHOTON, Particles, check_image, kinds_of_pdgid, render
from ..side_columns import SideColumns
from ..tables.base import Jagged, Table, as_lists, bad_lists, check_lists, make_steps, require, resolve
from ..tables.opening import open_table
from .base import Events

CARTESIAN = ("px", "py", "pz", "energy")
ROLES = (*CARTESIAN, "pt", "eta", "rapidity", "phi", "mass", "pdgid", "charge")
CHUNK = 4096


class ParticleSource:
    """Jets as jagged four-vectors: px, py, pz, energy; or pt, eta or rapidity, phi and perhaps mass."""

    jagged = False

    def __init__(self, path: str, recipe: Recipe, everything: bool = False) -> None:
        inputs = recipe.inputs
        check_fields(inputs.fields)
        check_image(recipe.image, kinds_known=bool({"pdgid", "charge"} & set(inputs.fields)))
        self.path, self.recipe, self.everything = path, recipe, everything
        self.table: Table = open_table(path, inputs.tree)
        self.fields = {role: resolve(self.table, names) for role, names in inputs.fields.items()}
        require(self.table, self.fields, 1)
        self.side = SideColumns(self.table, recipe)
        self.missing = self.side.missing
        self.unreadable: dict[int, str] = {}
        self.entries = self.table.entries

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `sources.Source`."""
        return make_steps(self.table.boundaries([*self.fields.values()]), start, stop, CHUNK)

    def read(self, start: int, stop: int) -> Events:
        """See `sources.Source`; jets without a class or without particles are not selected."""
        columns = self.table.read([*self.fields.values(), *self.side.names], start, stop)
        lists = {role: as_lists(columns[name]) for role, name in self.fields.items()}
        offsets = common_offsets(self.path, self.fields, lists, start)
        labels = self.side.labels(columns, start, stop)
        values = {role: jagged.values for role, jagged in lists.items()}
        bad = self._bad(lists, start)
        if bad.any():
            fine = np.repeat(~bad, np.diff(offsets))
            offsets, values = _drop(offsets, fine), {role: some[fine] for role, some in values.items()}
        particles = make_particles(offsets, values)
        selected = np.flatnonzero((labels >= 0) & (np.diff(particles.offsets) > 0))
        images, jets = render(take(particles, selected), self.recipe.image)
        kept = {name: values.astype(np.float32) for name, values in jets.items()}
        kept |= self.side.values(columns, selected)
        events = Events(images, labels[selected], selected + start, kept)
        if not self.everything:
            return events
        status = np.where(bad, Status.NOT_FINITE, Status.NO_SEED)
        status[selected] = Status.SCORED
        everywhere = np.arange(stop - start)
        return events.spread(selected, status, everywhere + start, self.side.values(columns, everywhere))

    def _bad(self, lists: dict[str, Jagged], start: int) -> Array:
        """Return which jets have bad values; an error unless everything is read."""
        bad = np.zeros(len(next(iter(lists.values()))), bool)
        for role, jagged in lists.items():
            least = 0.0 if role in ("energy", "pt", "mass") else None
            if self.everything:
                bad |= bad_lists(jagged, least)
            else:
                check_lists(self.path, self.fields[role], jagged, start, least)
        return bad


def check_fields(fields: dict[str, str]) -> None:
    """Check that `fields` name one full set of four-vectors.

    Raises:
        RecipeError: an unknown role, or not enough of them.
    """
    for role in fields:
        if role not in ROLES:
            raise RecipeError(f"inputs.fields '{role}': unknown; {suggest(role, ROLES)}")
    polar = {"pt", "phi"} <= set(fields) and ("eta" in fields) != ("rapidity" in fields)
    if not (set(CARTESIAN) <= set(fields)) and not polar:
        raise RecipeError(
            f"inputs.fields {sorted(fields)}: expected px, py, pz, energy, or pt, eta or rapidity, phi; "
            "add the missing"
        )


def common_offsets(path: str, names: dict[str, str], lists: dict[str, Jagged], start: int) -> Array:
    """Return the offsets that all `lists` share.

    Raises:
        InputError: in some entry the lists differ in length.
    """
    first = next(iter(lists))
    offsets = lists[first].offsets
    for role, jagged in lists.items():
        if not np.array_equal(jagged.offsets, offsets):
            differ = np.flatnonzero(np.diff(jagged.offsets) != np.diff(offsets))
            raise InputError(
                f"{path}: entry {start + int(differ[0])}: '{names[role]}' and '{names[first]}' "
                "have different numbers of particles; repair the file"
            )
    return offsets


def make_particles(offsets: Array, values: dict[str, Array], kind: Array | None = None) -> Particles:
    """Return the particles with pt above 0, from either set of four-vector components.

    Their `kind` is by default told by charge and PDG id, where `values` have these.
    """
    kind = _kinds(values) if kind is None else kind
    if "px" in values:
        px, py, pz, energy = (values[role].astype(np.float64) for role in CARTESIAN)
        pt = np.sqrt(px * px + py * py)
        moving = pt > 0
        if not moving.all():
            offsets = _drop(offsets, moving)
            px, py, pz, energy, pt = (some[moving] for some in (px, py, pz, energy, pt))
            kind = None if kind is None else kind[moving]
        return Particles(offsets, pt, np.arcsinh(pz / pt), np.arctan2(py, px), pz, energy, kind)
    moving = values["pt"] > 0
    if not moving.all():
        offsets = _drop(offsets, moving)
        values = {role: some[moving] for role, some in values.items()}
        kind = None if kind is None else kind[moving]
    pt, phi = values["pt"].astype(np.float64), values["phi"].astype(np.float64)
    mass = values["mass"].astype(np.float64) if "mass" in values else np.zeros(1)
    if "eta" in values:
        eta = values["eta"].astype(np.float64)
        pz = pt * np.sinh(eta)
    else:
        pz = np.hypot(pt, mass) * np.sinh(values["rapidity"].astype(np.float64))
        eta = np.arcsinh(pz / pt)
    return Particles(offsets, pt, eta, phi, pz, np.sqrt(pt * pt + pz * pz + mass * mass), kind)


def _kinds(values: dict[str, Array]) -> Array | None:
    if "charge" in values:
        neutral = np.full(len(values["charge"]), NEUTRAL_HADRON, np.int8)
        if "pdgid" in values:
            neutral[np.abs(values["pdgid"]) == 22] = PHOTON
        return np.where(values["charge"] != 0, np.int8(CHARGED), neutral)
    return kinds_of_pdgid(values["pdgid"]) if "pdgid" in values else None


def _drop(offsets: Array, kept: Array) -> Array:
    """Return the offsets after only the `kept` items are left."""
    running = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=running[1:])
    return running[offsets]


def take(particles: Particles, jets: Array) -> Particles:
    """Return the particles of some `jets` (ascending)."""
    if len(jets) == len(particles):
        return particles
    chosen = np.zeros(len(particles), bool)
    chosen[jets] = True
    counts = np.diff(particles.offsets)
    items = np.repeat(chosen, counts)
    offsets = np.zeros(len(jets) + 1, np.int64)
    np.cumsum(counts[jets], out=offsets[1:])
    return Particles(
        offsets=offsets,
        pt=particles.pt[items],
        eta=particles.eta[items],
        phi=particles.phi[items],
        pz=particles.pz[items],
        energy=particles.energy[items],
        kind=None if particles.kind is None else particles.kind[items],
    )
