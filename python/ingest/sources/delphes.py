"""Delphes trees: jets with the energy-flow objects, or tracks and towers, around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...recipe import Recipe
from ...store.sparse import Array
from ..render import CHARGED, NEUTRAL_HADRON, PHOTON, Particles, wrap
from .jets import JetSource, gather

FLOW = {
    "EFlowTrack": ("PT", CHARGED),
    "EFlowPhoton": ("ET", PHOTON),
    "EFlowNeutralHadron": ("ET", NEUTRAL_HADRON),
}


class DelphesSource(JetSource):
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
