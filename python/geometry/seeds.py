"""Where to centre a window: the Python twin of interface/SeedFinder.h."""

from __future__ import annotations

import numpy as np

from . import grids
from .windows import Images, Indices

JET_SEARCH_WINDOW = 7  # towers, along eta and along phi


def find_jet_seed(towers: Images, row: int, column: int) -> tuple[int, int]:
    """Return the (row, column) of the highest tower near (row, column), which wins a tie.

    The search covers ieta - 3 to ieta + 3, where ieta 0 does not exist, so that it has a row less on the
    other side of eta = 0, and three columns either way. What is not a number never wins.

    Args:
        towers: (56, 72) energies in GeV, aligned with the crystals (see hbheCell in interface/Geometry.h).
        row: Row of the tower that the jet axis points to.
        column: Column of that tower.
    """
    reach, middle = JET_SEARCH_WINDOW // 2, towers.shape[0] // 2
    low = row - reach + (row >= middle > row - reach)
    high = row + reach - (row < middle <= row + reach)
    rows = np.arange(max(low, 0), min(high, towers.shape[0] - 1) + 1)
    columns = (column + np.arange(-reach, reach + 1)) % towers.shape[1]
    window = np.where(np.isnan(window := towers[np.ix_(rows, columns)]), -np.inf, window)
    highest = int(np.argmax(window))  # the first of equals, row by row
    if not window.flat[highest] > towers[row, column]:
        return row, column
    return int(rows[highest // len(columns)]), int(columns[highest % len(columns)])


def crystal_of_tower(tower: Indices) -> Indices:
    """Return the row or column of the crystal in the middle of a tower's row or column."""
    return np.asarray(tower) * grids.ECAL_PER_HCAL + grids.ECAL_PER_HCAL // 2
