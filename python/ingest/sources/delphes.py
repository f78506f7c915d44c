"""Delphes trees: jets with the energy-flow objects, or tracks and towers, around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...recipe import Recipe
from ...store.sparse import Array
from ..render import CHARGED, NEUTRAL_HADRON, PHOTON
from .jets import ConeSource

FLOW = {
    "EFlowTrack": ("PT", CHARGED),
    "EFlowPhoton": ("ET", PHOTON),
    "EFlowNeutralHadron": ("ET", NEUTRAL_HADRON),
}


class DelphesSource(ConeSource):
    """Particles within `radius` of the jet (default 0.8) are its own; option `jets` names the collection.

    Without energy-flow objects: tracks, and towers as a photon and a neutral hadron each.
    """

    def _choose_branches(self, recipe: Recipe) -> None:
        jets = recipe.inputs.options.get("jets", "Jet")
        self.jet_fields = {role: f"{jets}.{role.capitalize()}" for role in ("eta", "phi", "mass")}
        self.jet_fields = {"pt": f"{jets}.PT", **self.jet_fields}
        flow = "EFlowTrack.PT" in self.table.fields or "Tower.ET" not in self.table.fields
        names = {name: pt for name, (pt, _) in FLOW.items()} if flow else {"Track": "PT", "Tower": "ET"}
        self.kinds = [kind for _, kind in FLOW.values()] if flow else [CHARGED, NEUTRAL_HADRON]
        self.particle_fields = [
            {"pt": f"{name}.{pt}", "eta": f"{name}.Eta", "phi": f"{name}.Phi"} for name, pt in names.items()
        ]
        if not flow:
            self.particle_fields[1] |= {"em": "Tower.Eem", "had": "Tower.Ehad"}

    def _collect(self, columns: dict[str, Any], start: int) -> tuple[dict[str, Array], Array, Array]:
        """Return pt, eta, phi of all particles, their event (ascending) and their kind."""
        parts = []
        for fields, kind in zip(self.particle_fields, self.kinds, strict=True):
            lists = self._checked(columns, fields, start)
            event = np.repeat(np.arange(len(lists["pt"])), np.diff(lists["pt"].offsets))
            flat = {role: some.values.astype(np.float64) for role, some in lists.items()}
            if "em" not in flat:
                parts.append((flat["pt"], flat["eta"], flat["phi"], event, kind))
                continue
            share = flat["em"] / np.maximum(flat["em"] + flat["had"], np.finfo(np.float64).tiny)
            parts.append((flat["pt"] * share, flat["eta"], flat["phi"], event, PHOTON))
            parts.append((flat["pt"] * (1 - share), flat["eta"], flat["phi"], event, NEUTRAL_HADRON))
        pt, eta, phi, event = (np.concatenate([part[i] for part in parts]) for i in range(4))
        kinds = np.concatenate([np.full(len(part[0]), part[4], np.int8) for part in parts])
        order = np.argsort(event, kind="stable")
        return {"pt": pt[order], "eta": eta[order], "phi": phi[order]}, event[order], kinds[order]
