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
HBHE_IETA_FINE = 20  # beyond, a tower is two columns wide
IPHI_SHIFT = 2  # EB iphi 1 starts at -10 degrees, HBHE iphi 1 at 0: two towers
TOWER_ETA_EDGES = (  # of the towers 0..28; ECAL rows divide each tower into five
    0.0, 0.087, 0.174, 0.261, 0.348, 0.435, 0.522, 0.609, 0.696, 0.783, 0.870, 0.957, 1.044, 1.131, 1.218,
    1.305, 1.392, 1.479, 1.566, 1.653, 1.740, 1.830, 1.930, 2.043, 2.172, 2.322, 2.500, 2.650, 3.000,
)  # fmt: skip

CRYSTAL_PHI = 2.0 * math.pi / EB_IPHI_MAX  # width of a barrel crystal in phi, rad
CRYSTAL_WIDTH_CM = 2.2  # front face of a barrel crystal
EB_RADIUS_CM = 129.0  # inner radius of the barrel crystals
EE_DISTANCE_CM = 315.4  # from the centre to the endcap crystals, along the beam
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
