"""Whole-detector images of one event: the Python twin of what interface/{EcalCropMaker,JetImageMaker}.h fill.

Every sum is made in float32 and in the order of the hits, as in C++, so that both make the same image bit for
bit. Hits of channels that do not exist, and hits of zero or negative energy, which are noise, are left out;
an energy or time that is not a number stays, so that the window that contains it can be refused.
"""

from __future__ import annotations

import numpy as np

from .cells import eb_cells, ecal_cells, hbhe_tower_cells, is_coarse
from .grids import EB_ROWS, ECAL_COLUMNS, ECAL_ROWS, EE_ROWS, HBHE_COLUMNS, HBHE_ROWS
from .hits import BarrelHits, EndcapHits, Floats, TowerHits, Tracks

TOWER_IETA_MAX = 29


def barrel_images(hits: BarrelHits, noise: bool = False) -> Floats:
    """Return the energies (GeV) and times (ns) of barrel hits, (2, 170, 360); the last hit of a crystal wins.

    Args:
        hits: of the barrel.
        noise: keep hits of zero and negative energy, too.
    """
    rows, columns = eb_cells(hits.ieta, hits.iphi)
    kept = rows >= 0
    if not noise:
        kept &= ~(hits.energy <= 0)
    image = np.zeros((2, EB_ROWS, ECAL_COLUMNS), np.float32)
    for layer, values in zip(image, (hits.energy, hits.time), strict=True):
        layer[rows[kept], columns[kept]] = values[kept]
    return image


def ecal_image(barrel: Floats, endcap: EndcapHits, endcap_scale: float = 1.0) -> Floats:
    """Return the energies (280, 360) in GeV of the barrel image (170, 360) and of the endcaps' hits.

    Args:
        barrel: energies of `barrel_images`.
        endcap: hits, put where their positions point to; several may share a cell.
        endcap_scale: factor on their energies.
    """
    image = np.zeros((ECAL_ROWS, ECAL_COLUMNS), np.float32)
    image[EE_ROWS:-EE_ROWS] = barrel
    rows, columns = ecal_cells(endcap.eta, endcap.phi)
    kept = (rows >= 0) & ~(endcap.energy <= 0)
    np.add.at(image, (rows[kept], columns[kept]), endcap.energy[kept] * np.float32(endcap_scale))
    return image


def tower_images(hits: TowerHits) -> Floats:
    """Return images (2, 56, 72) in GeV of HB and HE hits: the sum over depths, and the highest of depth 1.

    Towers beyond |ieta| 20 are two columns wide: half of the energy goes to each column of the sum, the whole
    hit stands in both of the other.
    """
    known = (hits.ieta != 0) & (np.abs(hits.ieta) <= TOWER_IETA_MAX) & (hits.iphi >= 1)
    known &= (hits.iphi <= HBHE_COLUMNS) & ~(hits.energy <= 0)
    ieta, iphi, depth, energy = (values[known] for values in hits)
    copies = np.where(is_coarse(ieta), 2, 1)
    copy = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies)  # 0, and 1 for the second
    rows, columns = hbhe_tower_cells(np.repeat(ieta, copies), np.repeat(iphi, copies) + copy)
    image = np.zeros((2, HBHE_ROWS, HBHE_COLUMNS), np.float32)
    np.add.at(image[0], (rows, columns), np.repeat(energy / copies.astype(np.float32), copies))
    first = np.repeat(depth == 1, copies)
    highest = np.nan_to_num(np.repeat(energy, copies)[first], nan=0.0, posinf=np.inf)
    np.maximum.at(image[1], (rows[first], columns[first]), highest)
    return image


def track_image(tracks: Tracks, min_pt: float) -> Floats:
    """Return the pT (280, 360) in GeV of the tracks above `min_pt`, where they are put."""
    rows, columns = ecal_cells(tracks.eta, tracks.phi)
    kept = (rows >= 0) & ~(tracks.pt <= min_pt)
    image = np.zeros((ECAL_ROWS, ECAL_COLUMNS), np.float32)
    np.add.at(image, (rows[kept], columns[kept]), tracks.pt[kept])
    return image
