"""The numbers by which CMS names its channels: detector ids of ECAL and HCAL hits.

Layouts: DataFormats/EcalDetId/interface/{EBDetId,EEDetId}.h, DataFormats/HcalDetId/interface/HcalDetId.h.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ECAL, HCAL = 3, 4  # detectors
BARREL, ENDCAP = 1, 2  # subdetectors of either
HCAL_NEW_FORMAT = 1 << 24  # since 2014: more bits for depth and iphi


class Crystals(NamedTuple):
    """Crystals of the barrel."""

    ieta: IntArray  # (N,) -85..-1, 1..85
    iphi: IntArray  # (N,) 1..360


class Towers(NamedTuple):
    """Channels of HB and HE."""

    ieta: IntArray  # (N,) -29..-1, 1..29
    iphi: IntArray  # (N,) 1..72
    depth: IntArray  # (N,) 1..


def is_part(detid: IntArray, detector: int, parts: tuple[int, ...]) -> BoolArray:
    """Return for each id (N,) whether it belongs to one of the subdetectors `parts` of `detector`."""
    return np.asarray(((detid >> 28) == detector) & np.isin((detid >> 25) & 0x7, parts))


def crystals(detid: IntArray) -> Crystals:
    """Return ieta and iphi of barrel crystals; what is no such id gives numbers outside of the barrel."""
    size = (detid >> 9) & 0x7F
    ieta = np.where(detid & 0x10000, size, -size)
    known = is_part(detid, ECAL, (BARREL,))
    return Crystals(np.where(known, ieta, 0), detid & 0x1FF)


def towers(detid: IntArray) -> Towers:
    """Return ieta, iphi and depth of HB and HE ids, in the layout before or since 2014; ieta 0: none."""
    new = (detid & HCAL_NEW_FORMAT) != 0
    size = np.where(new, (detid >> 10) & 0x1FF, (detid >> 7) & 0x3F)
    positive = np.where(new, detid & 0x80000, detid & 0x2000) != 0
    iphi = np.where(new, detid & 0x3FF, detid & 0x7F)
    depth = np.where(new, (detid >> 20) & 0xF, (detid >> 14) & 0x1F)
    known = is_part(detid, HCAL, (BARREL, ENDCAP)) & (size >= 1) & (size <= 29) & (iphi >= 1) & (iphi <= 72)
    return Towers(np.where(known, np.where(positive, size, -size), 0), iphi, depth)
