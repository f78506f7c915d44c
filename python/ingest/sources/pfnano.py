"""CMS NanoAOD with particle-flow candidates, and PFNano: jets with their candidates."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from ...recipe import Recipe
from ...store.sparse import Array
from ..render import Particles, kinds_of_pdgid
from .jets import JetSource, gather

LINKS = {"PFCand": "pfCandIdx", "PFCands": "pFCandsIdx"}
"""Collection of candidates -> index of a jet's candidates in it; the first is central NanoAOD's."""

NO_CANDIDATES = (
    "has no particle-flow candidates (PFCand_* or PFCands_*) to make images of; "
    "scouting NanoAOD and central NanoAOD before version 15 lack them: take NanoAODv15 or PFNano"
)


class PfnanoSource(JetSource):
    """NanoAOD with particle-flow candidates: central from version 15 on, or PFNano; TTree or RNTuple.

    Links say which candidates are a jet's; the option `jets` is Jet (default) or FatJet.
    """

    def _choose_branches(self, recipe: Recipe) -> None:
        jets = recipe.inputs.options.get("jets", "Jet")
        candidates, link = self._candidates(jets)
        self.jet_fields = {role: f"{jets}_{role}" for role in ("pt", "eta", "phi", "mass")}
        names = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "pdgid": "pdgId"}
        self.particle_fields = [
            {role: f"{candidates}_{name}" for role, name in names.items()},
            {"jet": f"{jets}{candidates}_jetIdx", "candidate": f"{jets}{candidates}_{link}"},
        ]

    def _candidates(self, jets: str) -> tuple[str, str]:
        """Return the name of the collection of candidates, and of the index that points to it.

        Raises:
            InputError: the file has none, or none of these jets.
        """
        fields = self.table.fields
        found = next((name for name in LINKS if f"{name}_pt" in fields), None)
        if found is None:
            raise InputError(f"{self.path}: {NO_CANDIDATES}")
        ending = f"{found}_{LINKS[found]}"
        if f"{jets}{ending}" not in fields:
            names = [name.removesuffix(ending) for name in fields if name.endswith(ending)]
            linked = sorted(name for name in names if not (name[0] == "n" and name[1:] in names))
            raise InputError(
                f"{self.path}: has no candidates of '{jets}' ({jets}{ending}), but of "
                f"{', '.join(linked) or 'no jets'}; set inputs.options.jets"
            )
        return found, LINKS[found]

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
