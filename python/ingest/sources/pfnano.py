"""CMS PFNano: jets with their particle-flow candidates."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from ...recipe import Recipe
from ...store.sparse import Array
from ..render import Particles, kinds_of_pdgid
from .jets import JetSource, gather


class PfnanoSource(JetSource):
    """JetPFCands_{jetIdx,pFCandsIdx} say which candidates are a jet's; option `jets`: Jet or FatJet."""

    def _choose_branches(self, recipe: Recipe) -> None:
        jets = recipe.inputs.options.get("jets", "Jet")
        self.jet_fields = {role: f"{jets}_{role}" for role in ("pt", "eta", "phi", "mass")}
        names = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "pdgid": "pdgId"}
        self.particle_fields = [
            {role: f"PFCands_{name}" for role, name in names.items()},
            {"jet": f"{jets}PFCands_jetIdx", "candidate": f"{jets}PFCands_pFCandsIdx"},
        ]

    def _particles(
        self, columns: dict[str, Any], jets: dict[str, Array], offsets: Array, start: int
    ) -> tuple[Particles, Array]:
        lists = self._checked(columns, self.particle_fields[0], start)
        jet, candidate = (columns[name] for name in self.particle_fields[1].values())
        counts = np.diff(jet.offsets)
        event = np.repeat(np.arange(len(counts)), counts)
        linked = jet.values >= 0
        for field, links, targets in (
            ("jet", jet, offsets),
            ("candidate", candidate, lists["pt"].offsets),
        ):
            self._check_links(self.particle_fields[1][field], links, event, targets, start)
        owner = (offsets[event] + jet.values)[linked]
        picks = (lists["pt"].offsets[event] + candidate.values)[linked]
        order = np.argsort(owner, kind="stable")
        values = {role: some.values for role, some in lists.items()}
        kind = kinds_of_pdgid(values.pop("pdgid"))
        values["mass"] = np.maximum(values["mass"], 0)  # stored with rounding: may be just below 0
        return gather(values, kind, picks[order], owner[order], len(jets["pt"]))

    def _check_links(self, name: str, links: Any, event: Array, targets: Array, start: int) -> None:
        if len(links.values) != len(event):
            raise InputError(
                f"{self.path}: entries from {start} on: '{name}' has another length than its pair"
            )
        beyond = np.flatnonzero(links.values >= np.diff(targets)[event])
        if len(beyond):
            where = start + int(event[beyond[0]])
            raise InputError(
                f"{self.path}: entry {where}: '{name}' points beyond the collection; repair the file"
            )
