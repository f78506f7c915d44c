"""Flight of particles through the solenoid's field to the front face of the ECAL."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.grids import EB_RADIUS_CM, EE_DISTANCE_CM, MAGNETIC_FIELD_T
from .pythia import Particles

FloatArray = NDArray[np.float64]

GEV_PER_T_CM = 0.299792458e-2  # pT = GEV_PER_T_CM * B * radius
MOST_TURN = 4.0 * np.pi  # loopers that turn further have lost their energy in the tracker's material


def reach_ecal(particles: Particles) -> tuple[FloatArray, FloatArray]:
    """Return eta and phi of the points, seen from the detector's centre, where particles enter the ECAL.

    Charged particles follow a helix from their vertex to the barrel's cylinder or, if they pass or loop
    within it, to the endcap's plane. Energy loss and multiple scattering are left out.

    Returns:
        eta (P,), NaN for what never arrives, and phi (P,) rad.
    """
    pt = np.hypot(particles.px, particles.py)
    straight = particles.charge == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        barrel = np.where(straight, _straight_to_barrel(particles, pt), _turn_to_barrel(particles, pt))
        radius = _radius(pt)
        per_unit = np.where(straight, particles.pz / pt, particles.pz / pt * radius)  # cm along z
        endcap = np.where(
            particles.pz != 0, (np.sign(particles.pz) * EE_DISTANCE_CM - particles.z) / per_unit, np.inf
        )
    barrel = np.where(np.isnan(barrel), np.inf, barrel)
    path = np.minimum(barrel, endcap)  # cm in the transverse plane, or rad turned
    lost = ~(path >= 0) | ~np.isfinite(path) | (~straight & (path > MOST_TURN))
    path = np.where(lost, 0.0, path)
    x, y = _point(particles, pt, radius, path, straight)
    z = particles.z + per_unit * path
    eta = np.arcsinh(z / np.maximum(np.hypot(x, y), 1e-9))
    return np.where(lost, np.nan, eta), np.arctan2(y, x)


def _radius(pt: FloatArray) -> FloatArray:
    """Radius of the circle of a charge of one, cm."""
    return pt / (GEV_PER_T_CM * MAGNETIC_FIELD_T)


def _straight_to_barrel(particles: Particles, pt: FloatArray) -> FloatArray:
    """Transverse path (cm) to the cylinder."""
    along = (particles.x * particles.px + particles.y * particles.py) / pt
    distance = EB_RADIUS_CM**2 - particles.x**2 - particles.y**2
    return np.asarray(-along + np.sqrt(along**2 + distance))


def _turn_to_barrel(particles: Particles, pt: FloatArray) -> FloatArray:
    """Angle (rad, > 0) by which the momentum turns until the cylinder; NaN if the circle lies within it.

    With the circle's centre at distance d from the beam, a point of the circle at angle psi from the
    direction of the centre lies at r^2 = d^2 + R^2 + 2 d R cos(psi).
    """
    radius = _radius(pt)
    turn = -particles.charge  # positive charges turn clockwise in a field along +z
    centre_x = particles.x - turn * radius * particles.py / pt
    centre_y = particles.y + turn * radius * particles.px / pt
    distance = np.hypot(centre_x, centre_y)
    cosine = (EB_RADIUS_CM**2 - distance**2 - radius**2) / (2 * distance * radius)
    start = np.arctan2(particles.y - centre_y, particles.x - centre_x) - np.arctan2(centre_y, centre_x)
    crossing = np.arccos(cosine)
    first, second = ((turn * (sign * crossing - start)) % (2 * np.pi) for sign in (1.0, -1.0))
    return np.asarray(np.minimum(first, second))


def _point(
    particles: Particles, pt: FloatArray, radius: FloatArray, path: FloatArray, straight: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Transverse position (cm) after `path`."""
    turn = -particles.charge
    cos, sin = particles.px / pt, particles.py / pt
    along = np.where(straight, path, radius * np.sin(path))
    aside = np.where(straight, 0.0, turn * radius * (1 - np.cos(path)))
    return particles.x + along * cos - aside * sin, particles.y + along * sin + aside * cos
