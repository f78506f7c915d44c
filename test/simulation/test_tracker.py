from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.geometry.grids import EB_RADIUS_CM
from RecoE2E.ParticleViT.simulation import tracker


def particle(energy: float, charge: float, events: int = 1, **place: float) -> tracker.Particles:
    fields = {"radius": 0.0, "phi": 0.0, "z": 0.0, "alpha": 0.0, **place}
    columns = {name: np.full(events, value) for name, value in fields.items()}
    return tracker.Particles(np.arange(events), np.full(events, energy), np.full(events, charge), **columns)


def test_material_is_that_of_the_tracker():
    assert tracker.material_budget(np.array([0.0, -1.4, 1.4])) == pytest.approx([0.4, 1.6, 1.6])
    radii, shares = tracker.thin_layers()
    assert shares.sum() == pytest.approx(1.0)
    assert np.all(np.diff(radii) > 0)
    assert radii[0] > 0
    assert radii[-1] < EB_RADIUS_CM


@given(st.floats(1.5, 100.0), st.sampled_from([-1.0, 1.0]))
def test_track_bends_on_a_circle(pt: float, charge: float):
    """From the origin: sin(phi) = r / (2 R), R = pT / (0.3 B)."""
    there = tracker.move_to(particle(pt, charge), EB_RADIUS_CM, np.array([np.pi / 2]))
    radius = pt / 0.2998 / 3.8 * 100.0
    exact = np.arcsin(EB_RADIUS_CM / (2.0 * radius))
    assert there.phi[0] == pytest.approx(-charge * exact, rel=0.06, abs=1e-6)


@given(st.floats(2.0, 100.0), st.floats(2.0, 100.0), st.floats(-0.8, 0.8))
def test_thin_steps_agree_with_one_circle(energy: float, radius: float, alpha: float):
    theta = np.array([np.pi / 2])
    start = particle(energy, 1.0, radius=radius, alpha=alpha)
    now = start
    for step in np.linspace(radius, EB_RADIUS_CM, 200)[1:]:
        now = tracker.move_to(now, float(step), theta)
    curvature = 0.01 * 0.2998 * 3.8 / energy  # 1/cm, clockwise
    centre = np.array([radius, 0.0]) + np.array([np.sin(alpha), -np.cos(alpha)]) / curvature
    assert len(now.phi) == 1
    end = EB_RADIUS_CM * np.array([np.cos(now.phi[0]), np.sin(now.phi[0])])
    assert np.hypot(*(end - centre)) == pytest.approx(1.0 / curvature, abs=0.05)


@given(st.floats(1.0, 120.0), st.floats(-1.2, 1.2))
def test_photons_fly_straight(radius: float, alpha: float):
    there = tracker.move_to(particle(1.0, 0.0, radius=radius, alpha=alpha), EB_RADIUS_CM, np.array([1.0]))
    x, y = EB_RADIUS_CM * np.cos(there.phi[0]), EB_RADIUS_CM * np.sin(there.phi[0])
    assert np.arctan2(y, x - radius) == pytest.approx(alpha, abs=1e-9)
    assert there.z[0] == pytest.approx(np.hypot(x - radius, y) / np.tan(1.0))


def test_soft_electrons_curl():
    there = tracker.move_to(particle(0.5, 1.0), EB_RADIUS_CM, np.array([np.pi / 2]))
    assert len(there.energy) == 0


def test_bremsstrahlung_loses_one_in_a_radiation_length():
    """PDG: E falls as exp(-t) on average, and electron and photons share what there was."""
    rng = np.random.default_rng(1)
    electrons, radiated = particle(50.0, 1.0, events=20000), 0.0
    for _ in range(50):
        electrons, photons = tracker.radiate(electrons, np.full(len(electrons.energy), 0.01), rng)
        radiated += photons.energy.sum()
    assert electrons.energy.sum() + radiated == pytest.approx(50.0 * 20000, rel=1e-3)
    assert electrons.energy.sum() / 50.0 / 20000 == pytest.approx(np.exp(-0.5), abs=0.02)


def test_conversions_share_the_energy():
    rng = np.random.default_rng(2)
    photons = particle(10.0, 0.0, events=100000, radius=1.0)
    left, pairs = tracker.convert(photons, 5.0, np.full(100000, 0.1), np.full(100000, np.pi / 2), rng)
    converted = 100000 - len(left.energy)
    assert converted / 100000 == pytest.approx(0.1 * 7 / 9, abs=0.003)
    share = pairs.energy[pairs.charge > 0] / 10.0
    # second moment of u = 2x - 1 under (2 + u^2)/3 over [-1, 1]
    assert np.mean((2 * share - 1) ** 2) == pytest.approx(13.0 / 35.0, abs=0.015)
    assert pairs.energy.sum() == pytest.approx(10.0 * converted, rel=0.01)


def test_traverse_keeps_the_energy():
    rng = np.random.default_rng(3)
    theta = np.full(2000, np.pi / 2)
    there = tracker.traverse(particle(50.0, 1.0, events=2000), theta, rng)
    per_event = np.bincount(there.event, there.energy, 2000)
    assert np.median(per_event) == pytest.approx(50.0, rel=0.01)
    assert per_event.max() <= 50.0 + 1e-9
    assert np.all(there.radius == EB_RADIUS_CM)
