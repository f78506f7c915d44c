"""Geometry of the CMS calorimeters as image rows and columns.

Sources: CMS Collaboration, "The CMS experiment at the CERN LHC", JINST 3 (2008) S08004, chapters 4 and 5;
the image layout is that of the MLAnalyzer ntuples: row = global ieta, column = iphi - 1.
The same numbers stand in interface/Geometry.h; a test compares them.
"""

from __future__ import annotations

import math

EB_IETA_MAX = 85  # crystals per half barrel in eta
EB_IPHI_MAX = 360  # crystals around the barrel
EB_ROWS = 2 * EB_IETA_MAX  # ieta 0 does not exist
EE_ROWS = 55  # rows per endcap in the ECAL image
ECAL_ROWS = EB_ROWS + 2 * EE_ROWS  # 280
ECAL_COLUMNS = EB_IPHI_MAX
HBHE_ROWS = 56  # towers -28..-1, 1..28
HBHE_COLUMNS = 72
ECAL_PER_HCAL = 5  # crystals per tower, along eta and along phi

CRYSTAL_ETA = 0.0174  # width of a barrel crystal in eta
CRYSTAL_PHI = 2.0 * math.pi / EB_IPHI_MAX  # width of a barrel crystal in phi, rad
CRYSTAL_WIDTH_CM = 2.2  # front face of a barrel crystal
EB_RADIUS_CM = 129.0  # inner radius of the barrel crystals
MAGNETIC_FIELD_T = 3.8


def eb_row(ieta: int) -> int:
    """Return the row of the barrel image (0..169) of crystal `ieta` (-85..-1, 1..85).

    Raises:
        ValueError: `ieta` is no barrel crystal.
    """
    if ieta == 0 or abs(ieta) > EB_IETA_MAX:
        msg = f"ieta {ieta} is not in -85..-1 or 1..85"
        raise ValueError(msg)
    return (ieta - 1 if ieta > 0 else ieta) + EB_IETA_MAX


def ecal_row(ieta: int) -> int:
    """Return the row of the whole-ECAL image (55..224) of barrel crystal `ieta`.

    Raises:
        ValueError: `ieta` is no barrel crystal.
    """
    return eb_row(ieta) + EE_ROWS
