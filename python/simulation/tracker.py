"""Electrons and photons through the CMS tracker: bremsstrahlung, conversions and the 3.8 T field.

All particles of a batch of events move outwards together through thin cylinders of material, so that photons
radiated at any depth may convert, and the pairs radiate again.

Sources:
- S. Navas et al. (Particle Data Group), Phys. Rev. D 110 (2024) 030001, section 34.4: bremsstrahlung and pair
  production in the complete-screening limit; section 35.14: radius of curvature.
- CMS Collaboration, JINST 3 (2008) S08004, chapter 3 (radii of the layers, material budget), and
  JINST 10 (2015) P08010, figure 1 (radiation lengths in front of the ECAL against eta).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..geometry.grids import EB_RADIUS_CM, MAGNETIC_FIELD_T

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MATERIAL_ETA = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4])
MATERIAL_X0 = np.array([0.40, 0.42, 0.47, 0.56, 0.75, 1.07, 1.42, 1.60])  # beam pipe to ECAL

# (radius in cm, share of the material): beam pipe, pixel barrel and its services, inner barrel and its
# services, outer barrel, and the support tube with the cables in front of the crystals
LAYERS = (
    (3.0, 0.015), (4.4, 0.065), (7.3, 0.0625), (10.2, 0.0625), (18.0, 0.07),
    (25.5, 0.075), (33.9, 0.07), (41.8, 0.06), (49.8, 0.06), (55.0, 0.09),
    (60.8, 0.055), (69.2, 0.055), (78.0, 0.045), (86.8, 0.045), (96.5, 0.04), (108.0, 0.04),
    (115.0, 0.0425), (122.0, 0.0475),
)  # fmt: skip
THIN_PER_LAYER = 3  # each layer is split, so that two emissions in one slice are rare

PHOTON_MIN_GEV = 0.03  # softer radiation drowns in the noise of the crystals
CURVATURE_PER_CM = 2.998e-3 * MAGNETIC_FIELD_T  # of a unit charge with pT = 1 GeV


@dataclass(frozen=True)
class Particles:
    """Particles of many events at one point of their way; each field has shape (P,).

    `alpha` is the angle between the transverse momentum and the outward radial direction. The polar angle
    stays that of the event's primary: opening angles of radiation are of the order of m_e/E.
    """

    event: IntArray
    energy: FloatArray  # GeV
    charge: FloatArray  # 0 for photons
    radius: FloatArray  # cm
    phi: FloatArray  # rad, not wrapped
    z: FloatArray  # cm
    alpha: FloatArray  # rad

    def select(self, keep: NDArray[np.bool_] | IntArray) -> Particles:
        """Return the particles that `keep` (mask or indices) names."""
        return Particles(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def concatenate(parts: list[Particles]) -> Particles:
    """Join groups of particles."""
    names = Particles.__dataclass_fields__
    return Particles(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def material_budget(eta: FloatArray) -> FloatArray:
    """Radiation lengths between the beam and the ECAL barrel at pseudorapidity `eta` (any shape)."""
    return np.asarray(np.interp(np.abs(eta), MATERIAL_ETA, MATERIAL_X0))


def thin_layers() -> tuple[FloatArray, FloatArray]:
    """Return radii (cm) and shares of the material (sum 1) of the thin cylinders."""
    radii, shares = np.array(LAYERS).T
    step = np.diff(radii, prepend=radii[0] - 1.0)
    offsets = (np.arange(THIN_PER_LAYER) - THIN_PER_LAYER + 1) / (2.0 * THIN_PER_LAYER)
    fine = (radii[:, None] + step[:, None] * offsets).ravel()
    return fine, np.repeat(shares / shares.sum() / THIN_PER_LAYER, THIN_PER_LAYER)


def move_to(particles: Particles, radius: float, theta: FloatArray) -> Particles:
    """Move particles outwards to `radius` (cm); those that curl back before it are lost.

    In a uniform field r sin(alpha) + kappa r^2/2 is conserved along the path, kappa = 0.3 q B / pT being the
    signed curvature (PDG section 35.14); the direction phi + alpha turns by -kappa times the path.

    Args:
        particles: where they are now.
        radius: target radius, not below theirs.
        theta: polar angle of each event, indexed by `particles.event`, rad.
    """
    polar = theta[particles.event]
    kappa = CURVATURE_PER_CM * particles.charge / (particles.energy * np.sin(polar))
    momentum = particles.radius * np.sin(particles.alpha) + 0.5 * kappa * particles.radius**2
    sine = (momentum - 0.5 * kappa * radius**2) / radius
    arrives = np.abs(sine) < 0.999
    now, kappa, sine = particles.select(arrives), kappa[arrives], sine[arrives]
    alpha = np.arcsin(sine)
    # chord from the law of cosines along the mean direction; exact for straight lines
    path = _path(now.radius, radius, now.alpha, alpha, kappa)
    phi = now.phi + now.alpha - alpha - kappa * path
    z = now.z + path / np.tan(polar[arrives])
    at = np.full_like(phi, radius)
    return Particles(now.event, now.energy, now.charge, at, phi, z, alpha)


def _path(
    start: FloatArray, end: float, alpha: FloatArray, alpha_end: FloatArray, kappa: FloatArray
) -> FloatArray:
    """Length in the transverse plane of steps between two radii (cm)."""
    straight = end * np.cos(alpha_end) - start * np.cos(alpha)
    curved = (end - start) * 0.5 * (1.0 / np.cos(alpha) + 1.0 / np.cos(alpha_end))
    return np.where(kappa == 0.0, straight, curved)


def radiate(
    charged: Particles, thickness: FloatArray, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """Let electrons and positrons radiate in a thin slice; return them and the new photons.

    PDG eq. 34.28: dN/dy = (t/y) (4/3 - 4/3 y + y^2), y = k/E, down to `PHOTON_MIN_GEV`; y is drawn from 1/y
    and thinned by the bracket.

    Args:
        charged: electrons and positrons.
        thickness: t of the slice for each, in radiation lengths.
        rng: source of randomness.
    """
    log_range = np.log(np.maximum(charged.energy / PHOTON_MIN_GEV, 1.0))
    tried = np.flatnonzero(rng.random(len(log_range)) < thickness * (4.0 / 3.0) * log_range)
    fraction = np.exp(-log_range[tried] * rng.random(len(tried)))
    kept = rng.random(len(tried)) < 1.0 - fraction + 0.75 * fraction**2
    emitters, fraction = tried[kept], fraction[kept]
    lost = charged.energy[emitters] * fraction
    photons = replace(charged.select(emitters), energy=lost, charge=np.zeros_like(lost))
    energy = charged.energy.copy()
    energy[emitters] -= lost
    return replace(charged, energy=energy).select(energy > PHOTON_MIN_GEV), photons


def convert(
    photons: Particles, radius: float, thickness: FloatArray, theta: FloatArray, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """Let photons convert in a thin cylinder; return those left and the new electrons and positrons.

    PDG eq. 34.32: probability 7/9 t, shared as 1 - 4/3 x (1 - x). With u = 2x - 1 that is (2 + u^2)/3:
    6/7 flat and 1/7 as u^2.

    Args:
        photons: at the points where they were emitted.
        radius: of the cylinder, cm.
        thickness: t of the cylinder for each photon, in radiation lengths.
        theta: polar angle of each event, rad.
        rng: source of randomness.
    """
    converts = rng.random(len(photons.energy)) < (7.0 / 9.0) * thickness
    parents = move_to(photons.select(converts), radius, theta)
    u = 2.0 * rng.random(len(parents.energy)) - 1.0
    u = np.where(rng.random(len(u)) < 1.0 / 7.0, np.cbrt(u), u)
    pair = []
    for charge in (1.0, -1.0):
        energy = 0.5 * (1.0 + charge * u) * parents.energy
        one = replace(parents, energy=energy, charge=np.full_like(energy, charge))
        pair.append(one.select(energy > PHOTON_MIN_GEV))
    return photons.select(~converts), concatenate(pair)


def traverse(
    primaries: Particles, theta: FloatArray, rng: np.random.Generator, material: FloatArray | float = 1.0
) -> Particles:
    """Bring primaries from the vertex to the front of the ECAL barrel with all that they radiate.

    Args:
        primaries: one particle per event, in the order of the events, near the beam.
        theta: polar angle of each event, rad.
        rng: source of randomness.
        material: factor of the material budget of each event.

    Returns:
        The particles that reach the front face, at radius `EB_RADIUS_CM`.
    """
    budget = material_budget(-np.log(np.tan(0.5 * theta))) * material
    charged = primaries.select(primaries.charge != 0.0)
    photons = primaries.select(primaries.charge == 0.0)
    for radius, share in zip(*thin_layers(), strict=True):
        charged = move_to(charged, float(radius), theta)
        charged, new_photons = radiate(charged, share * budget[charged.event], rng)
        photons, pairs = convert(photons, float(radius), share * budget[photons.event], theta, rng)
        charged, photons = concatenate([charged, pairs]), concatenate([photons, new_photons])
    return concatenate([move_to(charged, EB_RADIUS_CM, theta), move_to(photons, EB_RADIUS_CM, theta)])
