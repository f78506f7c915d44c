"""What tracker, ECAL and HCAL see of the particles of a collision.

Parametrised: no pile-up, no material in the tracker, hadron showers of an average shape. Sources:
- CMS Collaboration, JINST 9 (2014) P10009 (tracks: pT resolution 0.7-2 %, efficiency for charged hadrons);
- CMS Collaboration, JINST 8 (2013) P09009 and JINST 3 (2008) S08004, 4.5 (ECAL: 2.8 %/sqrt(E), 0.3-0.5 %);
- CMS Collaboration, JINST 12 (2017) P10003 (hadrons: 110 %/sqrt(E) and 9 %; thresholds of the cells);
- PDG, review "Passage of particles through matter" (ECAL: 1.1 interaction lengths; minimum ionisation).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..geometry.cells import ecal_cells, ecal_place, hbhe_cells
from ..geometry.grids import (
    EB_RADIUS_CM,
    ECAL_COLUMNS,
    ECAL_ROWS,
    EE_DISTANCE_CM,
    EE_ROWS,
    HBHE_COLUMNS,
    HBHE_ROWS,
)
from . import shower
from .cells import share_coarse_towers
from .helix import reach_ecal
from .pythia import Particles

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ECAL_SHAPE = (ECAL_ROWS, ECAL_COLUMNS)

TRACK_ETA_MAX = 2.5
TRACK_PT_GEV = 0.3
TRACK_EFFICIENCY = 0.92  # of charged hadrons and electrons, which may interact in the tracker; muons: all
TRACK_CONSTANT = 0.008
TRACK_PER_GEV = 0.00018

ECAL_STOCHASTIC = 0.028  # GeV^0.5
ECAL_CONSTANT = 0.004
ECAL_INTERACTION = 1.0 - np.exp(-1.1)  # chance of a hadron to interact in it
ECAL_SHARE = (1.5, 1.5)  # beta distribution of the energy that such a hadron leaves in it
ECAL_MIP_GEV = 0.25
HCAL_MIP_GEV = 2.0  # of muons
HADRON_STOCHASTIC = 1.1
HADRON_CONSTANT = 0.09
PIECES = 12  # of a hadron's deposit, each at a place of its own
ECAL_SPREAD_CM = 2.5  # mean distance from the axis (gamma distribution of shape 2 / exponential density)
HCAL_SPREAD_CM = 6.0
HCAL_RADIUS_RATIO = 1.5  # distance of the HCAL's showers, over that of the ECAL's face

EB_NOISE_GEV, EE_NOISE_GEV, HCAL_NOISE_GEV = 0.04, 0.15, 0.2
EB_THRESHOLD_GEV, EE_THRESHOLD_GEV, HCAL_THRESHOLD_GEV = 0.08, 0.3, 0.8

ELECTRON, PHOTON, MUON = 11, 22, 13


class Measured(NamedTuple):
    """What is measured of each particle (P,)."""

    track: FloatArray  # pT of its track, GeV, 0 without
    ecal: FloatArray  # GeV
    hcal: FloatArray  # GeV
    eta: FloatArray  # where it enters the ECAL, NaN if nowhere
    phi: FloatArray
    energy: FloatArray  # best estimate, GeV: the track's, else the calorimeters'


class Images(NamedTuple):
    """Whole-detector images of N collisions."""

    tracks: NDArray[np.float32]  # (N, 280, 360) pT, GeV
    ecal: NDArray[np.float32]  # (N, 280, 360) GeV
    hbhe: NDArray[np.float32]  # (N, 56, 72) GeV


def measure(particles: Particles, rng: np.random.Generator) -> Measured:
    """Draw the response of the detector to each particle."""
    eta, phi = reach_ecal(particles)
    arrives = np.isfinite(eta) & (np.abs(eta) < 3.0)
    kind = np.abs(particles.pdg)
    light, muon = (kind == PHOTON) | (kind == ELECTRON), kind == MUON
    energy = particles.energy
    stochastic = np.where(light, ECAL_STOCHASTIC, HADRON_STOCHASTIC)
    constant = np.where(light, ECAL_CONSTANT, HADRON_CONSTANT)
    width = np.hypot(stochastic / np.sqrt(energy), constant)
    seen = energy * np.maximum(1.0 + width * rng.standard_normal(len(energy)), 0.0)
    share = rng.beta(*ECAL_SHARE, len(energy)) * (rng.random(len(energy)) < ECAL_INTERACTION)
    mip = np.where(particles.charge != 0, ECAL_MIP_GEV, 0.0)
    ecal = np.where(light, seen, np.where(muon, mip, np.minimum(np.maximum(share * seen, mip), seen)))
    hcal = np.where(light, 0.0, np.where(muon, HCAL_MIP_GEV, seen - ecal))
    track = _tracks(particles, rng)
    pt = np.hypot(particles.px, particles.py)
    best = np.where(track > 0, energy * track / pt, np.where(arrives, seen, 0.0))
    return Measured(track, np.where(arrives, ecal, 0.0), np.where(arrives, hcal, 0.0), eta, phi, best)


def _tracks(particles: Particles, rng: np.random.Generator) -> FloatArray:
    """Return the pT (GeV) of the tracks of charged particles from within the pixel detector."""
    pt = np.hypot(particles.px, particles.py)
    eta = np.arcsinh(particles.pz / pt)
    muon = np.abs(particles.pdg) == MUON
    found = (particles.charge != 0) & (pt > TRACK_PT_GEV) & (np.abs(eta) < TRACK_ETA_MAX)
    found &= np.hypot(particles.x, particles.y) < 10.0
    found &= muon | (rng.random(len(pt)) < TRACK_EFFICIENCY)
    width = np.hypot(TRACK_CONSTANT, TRACK_PER_GEV * pt)
    return np.where(found, pt * np.maximum(1.0 + width * rng.standard_normal(len(pt)), 0.1), 0.0)


def fill(particles: Particles, measured: Measured, collisions: int, rng: np.random.Generator) -> Images:
    """Fill images: tracks where they point at the vertex, as in the MLAnalyzer; energies where they fall."""
    pt = np.hypot(particles.px, particles.py)
    direction = np.arcsinh(particles.pz / pt), np.arctan2(particles.py, particles.px)
    tracks = _histogram(particles.event, measured.track, ecal_cells(*direction), collisions, ECAL_SHAPE)
    light = np.isin(np.abs(particles.pdg), (PHOTON, ELECTRON)) & (measured.ecal > 0)
    ecal = _showers(particles, measured, light, collisions, rng)
    hadron = ~light & (measured.ecal > 0)
    event, energy, *place = _spread(particles, measured, hadron, measured.ecal, ECAL_SPREAD_CM, rng)
    ecal += _histogram(event, energy, ecal_cells(*place), collisions, ECAL_SHAPE)
    spread = HCAL_SPREAD_CM / HCAL_RADIUS_RATIO
    event, energy, *place = _spread(particles, measured, measured.hcal > 0, measured.hcal, spread, rng)
    hbhe = _histogram(event, energy, hbhe_cells(*place), collisions, (HBHE_ROWS, HBHE_COLUMNS))
    return Images(tracks.astype(np.float32), _ecal_hits(ecal, rng), _hcal_hits(hbhe, rng))


def _histogram(
    event: IntArray, weight: FloatArray, cells: tuple[IntArray, IntArray], events: int, shape: tuple[int, int]
) -> FloatArray:
    row, column = cells
    inside = (row >= 0) & (weight > 0)
    flat = (event[inside] * shape[0] + row[inside]) * shape[1] + column[inside]
    total = np.bincount(flat, weight[inside], events * shape[0] * shape[1])
    return np.asarray(total.reshape(events, *shape))


def _showers(
    particles: Particles, measured: Measured, light: BoolArray, events: int, rng: np.random.Generator
) -> FloatArray:
    """Energy of photons and electrons in crystals; the endcaps' rows are taken as wide as the barrel's."""
    row, column = ecal_place(measured.eta[light], measured.phi[light])
    pad = shower.REACH  # columns beyond the seam, folded back below
    shape = (events, ECAL_ROWS, ECAL_COLUMNS + 2 * pad)
    mirrored = row < ECAL_ROWS / 2
    padded = shower.deposit(
        particles.event[light], measured.ecal[light], row, column + pad, mirrored, shape, rng
    )
    image = padded[:, :, pad:-pad].astype(np.float64)
    image[:, :, -pad:] += padded[:, :, :pad]
    image[:, :, :pad] += padded[:, :, -pad:]
    return np.asarray(image)


def _spread(
    particles: Particles, measured: Measured, chosen: BoolArray, energy: FloatArray, spread_cm: float,
    rng: np.random.Generator,
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:  # fmt: skip
    """Divide the deposits of `chosen` particles: event, energy (GeV), eta, phi of each piece."""
    eta, phi = (np.repeat(values[chosen], PIECES) for values in (measured.eta, measured.phi))
    endcap_cm = EE_DISTANCE_CM / np.sinh(np.maximum(np.abs(eta), 0.1))  # distance from the beam
    distance = rng.gamma(2.0, spread_cm / 2.0, len(eta)) / np.minimum(EB_RADIUS_CM, endcap_cm)
    angle = rng.uniform(-np.pi, np.pi, len(eta))
    pieces = np.repeat(energy[chosen] / PIECES, PIECES)
    event = np.repeat(particles.event[chosen], PIECES)
    return event, pieces, eta + distance * np.cos(angle), phi + distance * np.sin(angle)


def _ecal_hits(energy: FloatArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add noise to the crystals with energy, and drop those below threshold."""
    noise, threshold = (np.full(ECAL_ROWS, value) for value in (EB_NOISE_GEV, EB_THRESHOLD_GEV))
    for values, endcap in ((noise, EE_NOISE_GEV), (threshold, EE_THRESHOLD_GEV)):
        values[:EE_ROWS] = values[-EE_ROWS:] = endcap
    return _hits(energy, noise[:, None], threshold[:, None], rng)


def _hcal_hits(energy: FloatArray, rng: np.random.Generator) -> NDArray[np.float32]:
    threshold = np.full((HBHE_ROWS, 1), HCAL_THRESHOLD_GEV)
    measured = _hits(energy, np.full((HBHE_ROWS, 1), HCAL_NOISE_GEV), threshold, rng)
    return share_coarse_towers(measured.astype(np.float64)).astype(np.float32)


def _hits(
    energy: FloatArray, noise: FloatArray, threshold: FloatArray, rng: np.random.Generator
) -> NDArray[np.float32]:
    hit = np.nonzero(energy > 0)
    image = np.zeros(energy.shape, np.float32)
    measured = energy[hit] + noise[hit[1], 0] * rng.standard_normal(len(hit[0]))
    image[hit] = np.where(measured > threshold[hit[1], 0], measured, 0.0)
    return image
