"""Windows wrap in iphi, end at the ieta edges, and are centred on their seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.geometry import grids as detector
from RecoE2E.ParticleViT.geometry import seeds, windows
from RecoE2E.ParticleViT.geometry.windows import Window

WINDOW = Window(4, 5, 1, 2)
IMAGE = np.arange(1, 1 + 2 * 9 * 12, dtype=np.float32).reshape(2, 9, 12)


@given(
    row=st.integers(0, 8),
    column=st.integers(-12, 24),
    height=st.integers(1, 20),
    width=st.integers(1, 30),
    seed=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_crop_is_the_rolled_and_padded_image(row, column, height, width, seed):
    seed_row, seed_column = seed[0] % height, seed[1] % width
    window = windows.crop(IMAGE, row, column, Window(height, width, seed_row, seed_column))
    assert window.shape == (2, height, width)
    assert window.dtype == np.float32
    for i in range(height):
        source = row + i - seed_row
        for j in range(width):
            expected = IMAGE[:, source, (column + j - seed_column) % 12] if 0 <= source < 9 else 0
            np.testing.assert_array_equal(window[:, i, j], expected)


def test_many_seeds_of_one_and_of_many_images():
    rows, columns = np.array([0, 4, 8]), np.array([0, 6, 11])
    single = windows.crop_many(IMAGE[np.newaxis], rows, columns, WINDOW)
    many = windows.crop_many(np.stack([IMAGE] * 3), rows, columns, WINDOW)
    np.testing.assert_array_equal(single, many)
    for i in range(3):
        np.testing.assert_array_equal(single[i], windows.crop(IMAGE, rows[i], columns[i], WINDOW))
    assert windows.crop_many(IMAGE[np.newaxis], rows[:0], columns[:0], WINDOW).shape == (0, 2, 4, 5)


def test_jets_near_the_edge_leave_the_detector():
    towers = np.arange(detector.HBHE_ROWS)
    inside = windows.windows_inside(seeds.crystal_of_tower(towers), Window(125, 125, 62, 62))
    assert towers[inside].tolist() == list(range(12, 44))  # |ieta| <= 16


def test_upsampling_keeps_the_energy():
    towers = np.zeros((detector.HBHE_ROWS, detector.HBHE_COLUMNS), np.float32)
    towers[10, 71] = 50
    crystals = windows.upsample_hbhe(towers)
    assert crystals.shape == (detector.ECAL_ROWS, detector.ECAL_COLUMNS)
    assert (crystals[50:55, 355:360] == 2).all()
    assert crystals.sum() == 50


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ((28, 0), (28, 69)),
        ((30, 1), (31, 3)),
        ((55, 40), (55, 40)),
        ((28, 20), (26, 20)),
        ((29, 20), (29, 20)),
    ],
)
def test_jet_seed_is_the_highest_tower_near_the_axis(start, expected):
    towers = np.zeros((detector.HBHE_ROWS, detector.HBHE_COLUMNS), np.float32)
    towers[28, 69], towers[28, 68], towers[31, 3] = 3, 9, 2
    towers[25, 20], towers[26, 20] = 8, 7  # ieta -3 and -2: of ieta 1 only -2 is near, of ieta 2 only -1
    towers[29, 21] = np.nan  # never wins
    assert seeds.find_jet_seed(towers, *start) == expected
