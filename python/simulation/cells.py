"""Towers of the HCAL as the readout sees them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.grids import HBHE_COLUMNS, HBHE_IETA_FINE, HBHE_ROWS


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
