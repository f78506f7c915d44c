"""EDM4hep files: jets with the reconstructed particles, or the calorimeter hits, around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import RecipeError
from ...recipe import Recipe
from ...store.sparse import Array
from ..render import CHARGED, NEUTRAL_HADRON, OTHER, PHOTON
from .jets import ConeSource

AXES = ("x", "y", "z")


class Edm4hepSource(ConeSource):
    """Options: `jets` (default Jet) and `particles` (default ReconstructedParticles) name collections.

    `hits` names collections of calorimeter hits, one or a list, which are then filled in place of particles:
    each with its transverse energy, where it lies as seen from the origin, as no known kind of particle.
    """

    OPTIONS = (*ConeSource.OPTIONS, "particles", "hits")

    def _choose_branches(self, recipe: Recipe) -> None:
        options = recipe.inputs.options
        jets, hits = options.get("jets", "Jet"), options.get("hits", [])
        self.hits: list[str] = [hits] if isinstance(hits, str) else list(hits)
        self.jet_fields = {axis: f"{jets}.momentum.{axis}" for axis in AXES} | {"mass": f"{jets}.mass"}
        if self.hits:
            if any(channel.particles != "all" for channel in recipe.image.channels):
                raise RecipeError(
                    "inputs.options.hits: hits are of no kind of particle; fill channels with all"
                )
            self.particle_fields = [
                {axis: f"{name}.position.{axis}" for axis in AXES} | {"energy": f"{name}.energy"}
                for name in self.hits
            ]
            return
        name = options.get("particles", "ReconstructedParticles")
        self.particle_fields = [
            {axis: f"{name}.momentum.{axis}" for axis in AXES}
            | {"charge": f"{name}.charge", "pdgid": f"{name}.PDG"}
        ]

    def _jets(self, values: dict[str, Array]) -> dict[str, Array]:
        x, y, z = (values[axis] for axis in AXES)
        pt, eta, phi = polar(x, y, z)
        return {"pt": pt, "eta": eta, "phi": phi, "mass": values["mass"]}

    def _collect(self, columns: dict[str, Any], start: int) -> tuple[dict[str, Array], Array, Array]:
        parts = []
        for fields in self.particle_fields:
            lists = self._checked(columns, fields, start)
            event = np.repeat(np.arange(len(lists["x"])), np.diff(lists["x"].offsets))
            x, y, z = (lists[axis].values.astype(np.float64) for axis in AXES)
            pt, eta, phi = polar(x, y, z)
            if self.hits:
                pt = lists["energy"].values / np.cosh(eta)
                parts.append((pt, eta, phi, event, np.full(len(pt), OTHER, np.int8)))
                continue
            photon = np.where(lists["pdgid"].values == 22, PHOTON, NEUTRAL_HADRON)
            kind = np.where(lists["charge"].values != 0, CHARGED, photon).astype(np.int8)
            parts.append((pt, eta, phi, event, kind))
        pt, eta, phi, event, kind = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = np.argsort(event, kind="stable")
        return {"pt": pt[order], "eta": eta[order], "phi": phi[order]}, event[order], kind[order]


def polar(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
    """Return the transverse length, eta and phi (rad) of vectors (N,)."""
    across = np.hypot(x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(z / across)
    return across, eta, np.arctan2(y, x)
