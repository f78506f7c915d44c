"""The crystals of the ECAL barrel in eta: where each ring begins and ends.

The crystals do not lie on a uniform grid: they are tilted, tapered, and set apart at the borders of the four
modules of a half barrel. The table was read off the corners of the front faces that CMS event-display files
give with every hit (27,788 crystals, at least 263 in each ring, both sides alike): the edge between two rings
is half way between the outer corners of the one and the inner corners of the other; the test
test/geometry/test_barrel.py reads it off again. The same numbers stand in interface/Geometry.h.
"""

from __future__ import annotations

BARREL_ETA_EDGES = (  # |eta| of the rings |ieta| 1..85: ring k lies between the numbers k - 1 and k
    0.00000, 0.02101, 0.03955, 0.05807, 0.07658, 0.09506, 0.11245, 0.12981, 0.14716, 0.16448,
    0.18178, 0.19917, 0.21653, 0.23388, 0.25120, 0.26852, 0.28590, 0.30327, 0.32062, 0.33795,
    0.35527, 0.37268, 0.39006, 0.40743, 0.42478, 0.44448, 0.46413, 0.48139, 0.49863, 0.51586,
    0.53307, 0.55021, 0.56734, 0.58445, 0.60155, 0.61863, 0.63579, 0.65293, 0.67004, 0.68714,
    0.70423, 0.72140, 0.73856, 0.75570, 0.77281, 0.79244, 0.81221, 0.82941, 0.84659, 0.86373,
    0.88087, 0.89804, 0.91518, 0.93229, 0.94938, 0.96647, 0.98364, 1.00079, 1.01790, 1.03500,
    1.05209, 1.06928, 1.08644, 1.10358, 1.12069, 1.14041, 1.16022, 1.17736, 1.19448, 1.21157,
    1.22866, 1.24584, 1.26299, 1.28011, 1.29721, 1.31430, 1.33149, 1.34865, 1.36578, 1.38287,
    1.39994, 1.41714, 1.43432, 1.45145, 1.46855, 1.48639,
)  # fmt: skip
