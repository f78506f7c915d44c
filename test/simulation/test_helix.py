from __future__ import annotations

import numpy as np
import pytest

from RecoE2E.ParticleViT.geometry.cells import ecal_cells, hbhe_cells
from RecoE2E.ParticleViT.geometry.grids import EB_RADIUS_CM, ECAL_ROWS, TOWER_ETA_EDGES
from RecoE2E.ParticleViT.simulation.cells import share_coarse_towers
from RecoE2E.ParticleViT.simulation.helix import reach_ecal
from RecoE2E.ParticleViT.simulation.pythia import Particles


def particle(pt: float, eta: float, charge: int, phi: float = 0.3, z: float = 0.0) -> Particles:
    momentum = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)
    return Particles(*(np.array([value]) for value in (0, 211 * charge, charge, *momentum, 0.0, 0.0, z)))


@pytest.mark.parametrize("eta", [-2.5, -1.0, 0.0, 0.4, 1.3, 2.9])
def test_neutral_particles_fly_straight(eta: float):
    arrived, phi = reach_ecal(particle(5.0, eta, 0))
    assert arrived[0] == pytest.approx(eta, abs=1e-9)
    assert phi[0] == pytest.approx(0.3)


@pytest.mark.parametrize("charge", [-1, 1])
@pytest.mark.parametrize("pt", [0.8, 2.0, 50.0, 5000.0])
def test_charged_particles_bend(pt: float, charge: int):
    radius = pt / (0.00299792458 * 3.8)
    eta, phi = reach_ecal(particle(pt, 0.2, charge))
    bend = np.arcsin(EB_RADIUS_CM / (2 * radius))
    assert phi[0] - 0.3 == pytest.approx(-charge * bend, abs=1e-7)
    assert np.sinh(eta[0]) == pytest.approx(np.sinh(0.2) * 2 * radius * bend / EB_RADIUS_CM, rel=1e-6)


def test_loopers_reach_the_endcap_or_nothing():
    forward, _ = reach_ecal(particle(0.5, 1.2, 1))
    assert abs(forward[0]) > 1.479
    assert np.isnan(reach_ecal(particle(0.5, 0.01, 1))[0][0])


def test_vertex_shifts_the_point():
    eta, _ = reach_ecal(particle(5.0, 0.0, 0, z=10.0))
    assert eta[0] == pytest.approx(np.arcsinh(10.0 / EB_RADIUS_CM))


def test_displaced_charged_particles_end_on_the_cylinder():
    rng = np.random.default_rng(1)
    n = 500
    pt, phi, eta = rng.uniform(0.9, 20, n), rng.uniform(-3, 3, n), rng.uniform(-0.8, 0.8, n)
    x, y, z = rng.uniform(-50, 50, (3, n))
    charge = rng.choice([-1, 1], n)
    momentum = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)
    found, angle = reach_ecal(Particles(np.zeros(n, int), 211 * charge, charge, *momentum, x, y, z))
    barrel = np.abs(found) < 1.2
    assert barrel.mean() > 0.7
    radius = pt / (0.00299792458 * 3.8)
    centre = x + charge * radius * np.sin(phi), y - charge * radius * np.cos(phi)
    end = EB_RADIUS_CM * np.cos(angle), EB_RADIUS_CM * np.sin(angle)
    off = np.hypot(end[0] - centre[0], end[1] - centre[1]) - radius
    assert np.abs(off[barrel]).max() < 1e-6


def test_cells_follow_the_towers():
    edges = np.array(TOWER_ETA_EDGES)
    middle = (edges[1:] + edges[:-1]) / 2
    rows, columns = hbhe_cells(np.concatenate([-middle[::-1], middle]), np.zeros(56))
    np.testing.assert_array_equal(rows, np.arange(56))
    assert set(columns) == {2}
    crystal, column = ecal_cells(
        np.array([0.001, -0.001, 3.1, np.nan, 2.99]), np.array([0.01, -0.19, 0, 0, 0])
    )
    assert crystal.tolist() == [140, 139, -1, -1, ECAL_ROWS - 1]
    assert column[:2].tolist() == [10, 359]  # EB iphi 1 begins at -10 degrees
    assert hbhe_cells(np.zeros(1), np.array([-0.19]))[1] == 71


def test_coarse_towers_share_their_energy():
    towers = np.zeros((1, 56, 72))
    towers[0, 50, 7] = towers[0, 40, 7] = 4.0
    shared = share_coarse_towers(towers)
    assert shared[0, 50, 6] == shared[0, 50, 7] == 2.0
    assert shared[0, 40, 7] == 4.0
    assert shared.sum() == 8.0
