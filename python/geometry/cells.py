"""Which cell of an image a hit or a direction belongs to: the Python twin of interface/Geometry.h.

A direction with |eta| below 1.479 belongs to a crystal of the barrel, whose rings have the edges of
`barrel.BARREL_ETA_EDGES`; one beyond belongs to the endcap, whose rows divide each tower into five. The
border is the one at which CMSSW's spr::findDetIdECAL turns from barrel to endcap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .barrel import BARREL_ETA_EDGES
from .grids import (
    EB_IETA_MAX,
    EB_IPHI_MAX,
    ECAL_COLUMNS,
    ECAL_PER_HCAL,
    ECAL_ROWS,
    HBHE_COLUMNS,
    HBHE_IETA_FINE,
    HBHE_ROWS,
    IPHI_SHIFT,
    TOWER_ETA_EDGES,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

EDGES = np.array(TOWER_ETA_EDGES)
BARREL_EDGES = np.array(BARREL_ETA_EDGES)
BARREL_TOWERS = EB_IETA_MAX // ECAL_PER_HCAL  # 17
ENDCAP_ETA = float(EDGES[BARREL_TOWERS])  # 1.479, where the endcap's rows begin
HALF = ECAL_ROWS // 2
DEGREES = 57.295779513082321  # per radian, to the last digit as in C++
ROW_EDGES = np.concatenate(  # |eta| of the rows 0..139 of half the detector, 141 numbers
    [
        BARREL_EDGES[:-1],
        np.interp(np.arange(EB_IETA_MAX, HALF + 1) / ECAL_PER_HCAL, np.arange(len(EDGES)), EDGES),
    ]
)


def ecal_place(eta: FloatArray, phi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return fractional row (0..280) and column (0..360) in the ECAL image; row NaN for |eta| >= 3."""
    size = np.abs(eta)
    rows = np.interp(size, ROW_EDGES, np.arange(HALF + 1.0))
    row = np.where(size < EDGES[-1], HALF + np.sign(eta) * rows, np.nan)
    return row, (np.degrees(phi) + IPHI_SHIFT * ECAL_PER_HCAL) % ECAL_COLUMNS


def ecal_cells(eta: FloatArray, phi: FloatArray) -> tuple[IntArray, IntArray]:
    """Return row (0..279) and column (0..359) in the ECAL image of directions.

    Args:
        eta: (N,).
        phi: (N,) rad.

    Returns:
        Rows and columns (N,); row -1 for |eta| >= 3 and for what is not finite.
    """
    size = np.abs(eta)
    ring = np.minimum(np.searchsorted(BARREL_EDGES, size, side="right"), EB_IETA_MAX) - 1
    from_centre = np.where(size < ENDCAP_ETA, ring, _endcap_rows(size))
    known = (size < EDGES[-1]) & np.isfinite(phi)
    row = np.where(eta < 0, HALF - 1 - from_centre, HALF + from_centre)
    degree = np.floor(np.where(known, phi, 0.0) * DEGREES).astype(np.int64)
    return np.where(known, row, -1), (degree + IPHI_SHIFT * ECAL_PER_HCAL) % ECAL_COLUMNS


def _endcap_rows(size: FloatArray) -> IntArray:
    """Return the rows from the centre (85..139) of |eta| in the endcap, by C++'s own arithmetic."""
    tower = np.clip(np.searchsorted(EDGES, size, side="right") - 1, 0, len(EDGES) - 2)
    low = EDGES[tower]
    share = ECAL_PER_HCAL * (np.minimum(size, EDGES[-1]) - low) / (EDGES[tower + 1] - low)
    part = np.minimum(np.nan_to_num(share).astype(np.int64), ECAL_PER_HCAL - 1)
    return np.asarray(tower * ECAL_PER_HCAL + part)


def hbhe_cells(eta: FloatArray, phi: FloatArray) -> tuple[IntArray, IntArray]:
    """Return row (0..55) and column (0..71) of the tower that directions (rad) point to; row -1 beyond 3."""
    size = np.abs(eta)
    tower = np.searchsorted(EDGES, size, side="right") - 1
    known = (size < EDGES[-1]) & np.isfinite(phi)
    row = np.where(eta < 0, HBHE_ROWS // 2 - 1 - tower, HBHE_ROWS // 2 + tower)
    step = np.floor(np.where(known, phi, 0.0) * DEGREES / ECAL_PER_HCAL).astype(np.int64)
    return np.where(known, row, -1), (step + IPHI_SHIFT) % HBHE_COLUMNS


def eb_cells(ieta: IntArray, iphi: IntArray) -> tuple[IntArray, IntArray]:
    """Return row (0..169) and column (0..359) in the barrel image of crystals; row -1 for none.

    Args:
        ieta: (N,) -85..-1, 1..85.
        iphi: (N,) 1..360.
    """
    known = (ieta != 0) & (np.abs(ieta) <= EB_IETA_MAX) & (iphi >= 1) & (iphi <= EB_IPHI_MAX)
    return np.where(known, np.where(ieta > 0, ieta - 1, ieta) + EB_IETA_MAX, -1), iphi - 1


def is_coarse(ieta: IntArray) -> BoolArray:
    """Return whether towers (N,) are two columns wide, so that their energy is shared between the columns."""
    return np.asarray(np.abs(ieta) > HBHE_IETA_FINE)


def hbhe_tower_cells(ieta: IntArray, iphi: IntArray) -> tuple[IntArray, IntArray]:
    """Return row (0..55) and column (0..71) in the tower image of towers, aligned with the crystals.

    Args:
        ieta: (N,) -29..-1, 1..29; tower 29 is counted as 28.
        iphi: (N,) 1..72 of HBHE.
    """
    tower = np.minimum(np.abs(ieta), HBHE_ROWS // 2)
    row = np.where(ieta > 0, tower - 1 + HBHE_ROWS // 2, HBHE_ROWS // 2 - tower)
    return row, (iphi - 1 + IPHI_SHIFT) % HBHE_COLUMNS
