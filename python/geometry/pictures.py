"""Whole-detector images of one event from its hits and tracks: the Python twin of interface/ in C++.

Every sum is made in float32 and in the order of the hits, as in C++, so that both make the same image bit for
bit. Hits of zero or negative energy are noise and left out; a hit whose energy or time is not a number stays,
so that whatever contains it can be refused.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .grids import EB_ROWS, ECAL_COLUMNS, ECAL_ROWS, EE_ROWS, HBHE_COLUMNS, HBHE_ROWS
from .cells import eb_cells, ecal_cells, hbhe_tower_cells, is_coarse
from .detids import crystals, towers

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Hits(NamedTuple):
    """Hits of one part of the calorimeters in one event."""

    detid: IntArray  # (N,)
    energy: Floats  # (N,) GeV
    time: Floats  # (N,) ns
    eta: Doubles  # (N,) of the channel, seen from the detector's centre
    phi: Doubles  # (N,) rad

    def take(self, chosen: BoolArray) -> Hits:
        """Return some of the hits, in order."""
        return Hits(*(values[chosen] for values in self))


class Tracks(NamedTuple):
    """Tracks of one event at their vertex."""

    pt: Doubles  # (N,) GeV
    eta: Doubles  # (N,)
    phi: Doubles  # (N,) rad


def barrel_images(hits: Hits, noise: bool = False) -> tuple[Floats, Floats]:
    """Return the energies (GeV) and times (ns) of barrel hits, each (170, 360).

    Args:
        hits: of the barrel.
        noise: keep zero and negative energies.

    Raises:
        ValueError: a hit is of no barrel crystal.
    """
    kept = hits if noise else hits.take(~(hits.energy <= 0))
    rows, columns = eb_cells(*crystals(kept.detid))
    _check_known(kept.detid, rows >= 0, "barrel crystal")
    energy, time = np.zeros((2, EB_ROWS, ECAL_COLUMNS), np.float32)
    energy[rows, columns] = kept.energy
    time[rows, columns] = kept.time
    return energy, time


def ecal_image(barrel: Floats, endcap: Hits) -> Floats:
    """Return the energies (280, 360) in GeV of the barrel image (170, 360) and of the endcaps' hits.

    Endcap hits are put where their positions point to; several may share a cell.
    """
    image = np.zeros((ECAL_ROWS, ECAL_COLUMNS), np.float32)
    image[EE_ROWS:-EE_ROWS] = barrel
    kept = endcap.take(~(endcap.energy <= 0))
    rows, columns = ecal_cells(kept.eta, kept.phi)
    inside = rows >= 0
    np.add.at(image, (rows[inside], columns[inside]), kept.energy[inside])
    return image


def tower_image(hits: Hits, depth: int | None = None) -> Floats:
    """Return the energies (56, 72) in GeV of HB and HE hits, summed over all depths or of one `depth`.

    Towers beyond |ieta| 20 are two columns wide and give half of their energy to each.

    Raises:
        ValueError: a hit is of no tower of HB or HE.
    """
    kept = hits.take(~(hits.energy <= 0))
    ids = towers(kept.detid)
    _check_known(kept.detid, ids.ieta != 0, "tower of HB or HE")
    image = np.zeros((HBHE_ROWS, HBHE_COLUMNS), np.float32)
    wanted = np.full(len(ids.depth), True) if depth is None else ids.depth == depth
    ieta, iphi, energy = ids.ieta[wanted], ids.iphi[wanted], kept.energy[wanted]
    coarse = is_coarse(ieta)
    copies = np.where(coarse, 2, 1)
    second = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies)  # 0, or 1 for a copy
    cells = hbhe_tower_cells(np.repeat(ieta, copies), np.repeat(iphi, copies) + second)
    share = np.where(coarse, energy / np.float32(2), energy)
    np.add.at(image, cells, np.repeat(share, copies))
    return image


def track_image(tracks: Tracks, min_pt: float) -> Floats:
    """Return the pT (280, 360) in GeV of the tracks above `min_pt`, where they point to from their vertex."""
    rows, columns = ecal_cells(tracks.eta, tracks.phi)
    kept = (tracks.pt > min_pt) & (rows >= 0)
    image = np.zeros((ECAL_ROWS, ECAL_COLUMNS), np.float32)
    np.add.at(image, (rows[kept], columns[kept]), tracks.pt[kept].astype(np.float32))
    return image


def _check_known(detid: IntArray, known: BoolArray, what: str) -> None:
    if not known.all():
        found = int(detid[~known][0])
        msg = f"detector id {found} is no {what}; give the hits of this part of the detector only"
        raise ValueError(msg)
