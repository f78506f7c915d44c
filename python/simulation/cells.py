"""Where a direction hits the whole-detector images: the Python twin of interface/Geometry.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.grids import (
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

EDGES = np.array(TOWER_ETA_EDGES)


def ecal_place(eta: FloatArray, phi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return fractional row (0..280) and column (0..360) in the ECAL image; row NaN for |eta| >= 3."""
    towers = np.interp(np.abs(eta), EDGES, np.arange(len(EDGES)), right=np.nan)
    towers = np.where(np.abs(eta) < EDGES[-1], towers, np.nan)
    row = ECAL_ROWS / 2 + np.sign(eta) * ECAL_PER_HCAL * towers
    return row, (np.degrees(phi) + IPHI_SHIFT * ECAL_PER_HCAL) % ECAL_COLUMNS


def ecal_cells(eta: FloatArray, phi: FloatArray) -> tuple[IntArray, IntArray]:
    """Return row (0..279) and column (0..359) in the ECAL image; row -1 for |eta| >= 3."""
    row, column = ecal_place(eta, phi)
    whole = np.where(np.isfinite(row), np.floor(np.nan_to_num(row)), -1.0)
    return whole.astype(np.int64), np.floor(column).astype(np.int64) % ECAL_COLUMNS


def hbhe_cells(eta: FloatArray, phi: FloatArray) -> tuple[IntArray, IntArray]:
    """Return row (0..55) and column (0..71) in the HBHE image; row -1 for |eta| >= 3."""
    row, column = ecal_cells(eta, phi)
    return np.where(row >= 0, row // ECAL_PER_HCAL, -1), column // ECAL_PER_HCAL


def share_coarse_towers(towers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share the energy of towers that are two columns wide between their columns.

    Args:
        towers: (N, 56, 72) GeV.
    """
    index = np.arange(HBHE_ROWS) - HBHE_ROWS // 2
    coarse = np.where(index >= 0, index + 1, -index) > HBHE_IETA_FINE
    shared = towers.copy()
    pairs = towers[:, coarse].reshape(len(towers), -1, HBHE_COLUMNS // 2, 2).mean(-1)
    shared[:, coarse] = np.repeat(pairs, 2, axis=-1)
    return shared
