"""What images are made of: the Python twin of interface/Hits.h, with one array per number.

Energies and pT in GeV, times in ns, phi in rad; energies, times and pT of tracks in float32, as in CMSSW.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


class BarrelHits(NamedTuple):
    """Hits of the ECAL barrel."""

    ieta: Integers  # (N,) -85..-1, 1..85
    iphi: Integers  # (N,) 1..360
    energy: Floats  # (N,)
    time: Floats  # (N,)


class EndcapHits(NamedTuple):
    """Hits of the ECAL endcaps, at the positions of their crystals."""

    eta: Doubles  # (N,)
    phi: Doubles  # (N,)
    energy: Floats  # (N,)


class TowerHits(NamedTuple):
    """Hits of HB and HE."""

    ieta: Integers  # (N,) -29..-1, 1..29
    iphi: Integers  # (N,) 1..72
    depth: Integers  # (N,)
    energy: Floats  # (N,)


class Tracks(NamedTuple):
    """Tracks where they are put: their direction at the vertex, or where they meet the ECAL."""

    pt: Floats  # (N,)
    eta: Doubles  # (N,)
    phi: Doubles  # (N,)
