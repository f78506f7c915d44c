from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.simulation import shower


def deposit(row: float, column: float, energy: float = 50.0, mirrored: bool = False) -> np.ndarray:
    one = np.ones(1)
    rng = np.random.default_rng(1)
    where = (np.zeros(1, int), energy * one, row * one, column * one, np.full(1, mirrored))
    return shower.deposit(*where, (1, 21, 21), rng)[0]


def test_corner_integral_is_the_profile():
    """Numerically: integral of R^2 / (pi (r^2 + R^2)^2)."""
    x, y = (np.arange(2000) + 0.5) / 1000, (np.arange(1000) + 0.5) / 1000
    r2 = x[:, None] ** 2 + y**2
    numeric = (0.49 / np.pi / (r2 + 0.49) ** 2).sum() * 1e-6
    assert shower.corner_integral(np.array(2.0), np.array(1.0), np.array(0.7)) == pytest.approx(
        numeric, rel=1e-5
    )


def test_table_is_a_sharing():
    table = shower.share_table()
    assert table.min() >= 0
    total = table.sum((-2, -1))
    assert total.max() <= 1.0
    assert total.min() > 0.97


def test_most_energy_lies_in_the_crystal_hit_in_the_middle():
    """CMS test beams: 0.78-0.85 of the energy in 5 x 5 crystals for central impact."""
    image = deposit(10.5, 10.5)
    assert 0.75 < image[10, 10] / image[8:13, 8:13].sum() < 0.88


@given(st.floats(0.1, 20.9), st.floats(0.1, 20.9))
def test_energy_stays_or_is_lost_at_the_edge(row: float, column: float):
    image = deposit(row, column)
    assert image.sum() <= 50.0 + 1e-3
    if 6 <= row < 15 and 6 <= column < 15:
        assert image.sum() == pytest.approx(50.0, rel=0.03)
        assert image[int(row), int(column)] >= 0.2 * 50.0


def test_half_barrels_are_mirror_images():
    plus, minus = deposit(10.2, 10.7), deposit(10.8, 10.3, mirrored=True)
    np.testing.assert_allclose(plus, minus[::-1, ::-1], rtol=1e-5)


def test_outside_is_ignored():
    assert deposit(-3.0, 5.0).sum() == 0
