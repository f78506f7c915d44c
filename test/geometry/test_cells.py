"""Directions and detector ids find their cells."""

import numpy as np
import pytest

from RecoE2E.ParticleViT.geometry import cells
from RecoE2E.ParticleViT.geometry.barrel import BARREL_ETA_EDGES

RANDOM = np.random.default_rng(11)
ETA = RANDOM.uniform(-3.2, 3.2, 20_000)
PHI = RANDOM.uniform(-10, 10, 20_000)


def test_edges_ascend_in_nearly_equal_steps():
    steps = np.diff(BARREL_ETA_EDGES)
    assert len(BARREL_ETA_EDGES) == 86
    assert steps.min() > 0.017
    assert steps.max() < 0.0211


def test_rows_are_antisymmetric_and_columns_wrap():
    rows, columns = cells.ecal_cells(ETA, PHI)
    mirrored, _ = cells.ecal_cells(-ETA, PHI)
    _, turned = cells.ecal_cells(ETA, PHI + 4 * np.pi)
    inside = np.abs(ETA) < 3
    assert (rows[inside] + mirrored[inside] == 279).all()
    assert (rows[~inside] == -1).all()
    assert ((columns >= 0) & (columns < 360)).all()
    assert (turned == columns).all()


def test_rows_ascend_with_eta_and_all_are_met():
    eta = np.linspace(-2.9999, 2.9999, 100_001)
    rows, _ = cells.ecal_cells(eta, np.zeros_like(eta))
    assert set(np.diff(rows)) == {0, 1}
    assert (rows[0], rows[-1]) == (0, 279)


def test_fractional_place_lies_in_the_cell():
    rows, columns = cells.ecal_cells(ETA, PHI)
    row, column = cells.ecal_place(ETA, PHI)
    inside = rows >= 0
    assert np.isnan(row[~inside]).all()
    assert (np.floor(row[inside]) == rows[inside]).mean() > 0.9999  # edges are floating-point numbers
    assert (np.floor(column[inside]) == columns[inside]).mean() > 0.9999


@pytest.mark.parametrize("eta", [np.nan, np.inf, -np.inf, 3.0, -3.0])
def test_no_cell_beyond_the_detector(eta):
    for function in (cells.ecal_cells, cells.hbhe_cells):
        assert function(np.array([eta]), np.zeros(1))[0] == -1
        assert function(np.zeros(1), np.array([np.nan]))[0] == -1


def test_towers_have_their_own_edges():
    rows, columns = cells.hbhe_cells(
        np.array([0.0869, 0.0871, -0.0869, 2.9]), np.radians([0.0, 4.9, 5.1, -0.1])
    )
    assert rows.tolist() == [28, 29, 27, 55]
    assert columns.tolist() == [2, 2, 3, 1]


def test_the_endcap_begins_where_cmssw_says():
    rows, _ = cells.ecal_cells(np.array([1.4789, 1.4791, -1.4789, -1.4791]), np.zeros(4))
    assert rows.tolist() == [224, 225, 55, 54]


def test_crystals_are_the_inverse_of_their_rows():
    ieta = np.array([ieta for ieta in range(-85, 86) if ieta])
    rows, _ = cells.eb_cells(ieta, np.ones_like(ieta))
    assert rows.tolist() == list(range(170))
    bad_ieta, bad_iphi = np.array([0, 86, -86, 1, 1]), np.array([1, 1, 1, 0, 361])
    assert (cells.eb_cells(bad_ieta, bad_iphi)[0] == -1).all()
