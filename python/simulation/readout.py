"""From deposited energies to the hits that a CMS file keeps.

The chain is that of the barrel: resolution and electronics noise, selective readout in trigger towers,
amplitude fit without negative amplitudes, and the choice of hits for AOD ("reduced" hits).

Sources:
- CMS Collaboration, JINST 3 (2008) S08004, section 4.5.3 (selective readout), 4.2 (resolution, noise);
- CMS Collaboration, JINST 5 (2010) T03011 (time resolution);
- CMSSW, RecoLocalCalo/EcalRecProducers (multifit), RecoEcal/EgammaClusterProducers
  (interestingEcalDetId*: windows of 5 x 5 crystals around the clusters of a supercluster; HybridClusterAlgo:
  dominoes of five crystals along phi) and
  RecoEgamma/EgammaIsolationAlgos (interestingGedGamIsoDetIdEB: hits above 0.095 GeV within dR < 0.6);
- CMS Collaboration, JINST 12 (2017) P10003, section 3.4 (thresholds of particle-flow clusters).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.grids import ECAL_PER_HCAL

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

TOWER = ECAL_PER_HCAL  # a trigger tower is 5 x 5 crystals, as an HCAL tower

# Values without a source above are read off the 100 public crops: noise from the spectrum of isolated hits,
# zero suppression from their absence beyond ten crystals, dead towers from rings of hits around empty towers.
NOISE_GEV = 0.045  # per crystal
STOCHASTIC = 0.028  # GeV^0.5
CONSTANT = 0.005
# Of tracks that cross from crystal to crystal: a further 5.5 %/sqrt(E) of each crystal, an estimate, drawn
# for each crystal alone, so that the sum of 5 x 5 fluctuates by 1.0 % at 50 GeV, where 0.7 % would be right.
SHARING_GEV = 0.003

DEAD_TOWERS = 0.008  # share of trigger towers whose data link is dead
DEAD_TOWER_UNIT_GEV = 0.5  # the trigger's own sum, in this unit, replaces the energy of a dead tower

FULL_READOUT_ET_GEV = 2.0  # towers above it, and their eight neighbours, are read in full
ZERO_SUPPRESSION_GEV = 0.17  # elsewhere

SEED_GEV = 0.23  # local maxima that seed a cluster
CLUSTER_ET_GEV = 0.5  # clusters that may join a supercluster
CLUSTER_HIT_GEV = 0.08
CLUSTER_ROWS = 2  # a cluster of the supercluster lies within so many rows of the seed
ISOLATION_HIT_GEV = 0.095
# Columns of five crystals that continue a hybrid cluster, and that start one. CMSSW has 0.1 for the first;
# the public crops' clusters end sooner than that gives here, perhaps because of how amplitudes are fitted.
DOMINO_GEV = 0.13
DOMINO_SEED_GEV = 0.35

TIME_NOISE_NS = 35.0  # sigma(t) = TIME_NOISE_NS / (E / sigma_noise) (+) TIME_CONSTANT_NS
TIME_CONSTANT_NS = (
    0.07  # estimate: larger than in the test beam, for crystals that are not synchronised so well
)
TIME_RANGE_NS = 25.0


def smear(deposited: Image, rng: np.random.Generator, noise: NDArray[np.float64] | None = None) -> Image:
    """Return measured energies: fluctuations of showers and calibration, and Gaussian noise.

    Args:
        deposited: (N, H, W) GeV.
        rng: source of randomness.
        noise: factor of the noise of each event (N,); None: 1.
    """
    measured = rng.standard_normal(deposited.shape, dtype=np.float32)
    sigma = np.full_like(deposited, NOISE_GEV)
    if noise is not None:
        sigma *= noise.astype(np.float32)[:, None, None]
    hit = deposited > 0.0
    energy = deposited[hit]
    sigma[hit] = np.sqrt(sigma[hit] ** 2 + (SHARING_GEV + STOCHASTIC**2) * energy + (CONSTANT * energy) ** 2)
    measured *= sigma
    measured += deposited
    return measured


def kill_towers(energy: Image, rng: np.random.Generator, share: float = DEAD_TOWERS) -> tuple[Image, Mask]:
    """Lose the crystals of dead towers, whose energy the trigger's sum recovers, evenly spread.

    The tower with the largest energy lives.

    Args:
        energy: (N, H, W) GeV, tower edges at multiples of their size.
        rng: source of randomness.
        share: of towers whose data link is dead.

    Returns:
        The energies, and which crystals are dead.
    """
    n, height, width = energy.shape
    blocks = energy.reshape(n, height // TOWER, TOWER, width // TOWER, TOWER)
    towers = blocks.sum((2, 4))
    dead = (rng.random(towers.shape) < share) & (towers < towers.max((1, 2), keepdims=True))
    event, row, column = np.nonzero(dead)
    seen = np.floor(towers[event, row, column] / DEAD_TOWER_UNIT_GEV) * DEAD_TOWER_UNIT_GEV
    out = blocks.copy()
    out[event, row, :, column] = np.maximum(seen, 0.0)[:, None, None] / TOWER**2
    return out.reshape(energy.shape), _crystals(dead)


def selective_readout(energy: Image, transverse: NDArray[np.float64]) -> Image:
    """Zero the crystals that the selective readout drops, and negative amplitudes.

    Args:
        energy: (N, H, W) GeV, H and W multiples of the tower's size, tower edges at multiples of it.
        transverse: sin(theta) of each event, (N,).
    """
    n, height, width = energy.shape
    towers = energy.reshape(n, height // TOWER, TOWER, width // TOWER, TOWER).sum((2, 4))
    full = towers * transverse[:, None, None] > FULL_READOUT_ET_GEV
    full = _crystals(dilate(full, 1))
    return np.where((energy > ZERO_SUPPRESSION_GEV) | (full & (energy > 0.0)), energy, np.float32(0.0))


def reduced_hits(
    energy: Image, seed_row: int, transverse: NDArray[np.float64], near_dead: Mask | None = None
) -> Image:
    """Zero the hits that AOD does not keep.

    Kept are hits above the isolation threshold, 5 x 5 crystals around the seed of each cluster of the
    supercluster, the clusters' own hits, and hits next to dead crystals.

    Args:
        energy: (N, H, W) GeV after the selective readout.
        seed_row: row of the supercluster's seed.
        transverse: sin(theta) of each event, (N,).
        near_dead: crystals next to dead ones, (N, H, W).
    """
    maximum = (energy >= SEED_GEV) & (energy >= shift_max(energy, 1))
    cluster_et = shift_sum(energy, 1) * transverse[:, None, None]
    seeds = maximum & (cluster_et > CLUSTER_ET_GEV)
    seeds[:, : seed_row - CLUSTER_ROWS] = False
    seeds[:, seed_row + CLUSTER_ROWS + 1 :] = False
    window = dilate(seeds, 2)
    rows = slice(seed_row - CLUSTER_ROWS, seed_row + CLUSTER_ROWS + 1)
    window[:, rows] |= dominoes(energy[:, rows].sum(1))[:, None, :]
    kept = window | (energy > ISOLATION_HIT_GEV) | (dilate(window, 1) & (energy > CLUSTER_HIT_GEV))
    if near_dead is not None:
        kept |= near_dead
    return np.where(kept, energy, np.float32(0.0))


def dominoes(energy: Image) -> Mask:
    """Mark the columns that belong to a hybrid cluster: a run above `DOMINO_GEV` with one above the seed's.

    Args:
        energy: (N, W) GeV in the five crystals of each column.
    """
    member = energy > DOMINO_GEV
    marked = energy > DOMINO_SEED_GEV
    for _ in range(energy.shape[1]):
        grown = marked.copy()
        grown[:, 1:] |= marked[:, :-1]
        grown[:, :-1] |= marked[:, 1:]
        grown &= member
        if (grown == marked).all():
            break
        marked = grown
    return marked


def hit_times(energy: Image, rng: np.random.Generator) -> Image:
    """Return the times of the hits in ns, 0 where there is none.

    JINST 5 (2010) T03011: sigma(t) = N sigma_n/A (+) C.
    """
    times = np.zeros_like(energy)
    hit = energy > 0.0
    amplitude = energy[hit]
    sigma = np.hypot(TIME_NOISE_NS * NOISE_GEV / amplitude, TIME_CONSTANT_NS)
    drawn = rng.standard_normal(len(amplitude), dtype=np.float32) * sigma
    times[hit] = np.clip(drawn, -TIME_RANGE_NS, TIME_RANGE_NS)
    return times


def ring(dead: Mask) -> Mask:
    """Mark the live crystals that touch a dead one (N, H, W)."""
    some = dead.any((1, 2))
    out = np.zeros_like(dead)
    out[some] = dilate(dead[some], 1) & ~dead[some]
    return out


def _crystals(towers: Mask) -> Mask:
    """Spread a mask of towers over their crystals."""
    return np.asarray(np.repeat(np.repeat(towers, TOWER, 1), TOWER, 2))


def dilate(mask: Mask, by: int) -> Mask:
    """Grow a mask (N, H, W) by `by` cells in rows and columns."""
    out = mask.copy()
    for step in range(1, by + 1):
        out[:, step:] |= mask[:, :-step]
        out[:, :-step] |= mask[:, step:]
    rows = out.copy()
    for step in range(1, by + 1):
        out[:, :, step:] |= rows[:, :, :-step]
        out[:, :, :-step] |= rows[:, :, step:]
    return out


def shift_max(image: Image, by: int) -> Image:
    """Return the largest value within `by` cells in rows and columns, (N, H, W)."""
    return _separable(image, by, np.maximum)


def shift_sum(image: Image, by: int) -> Image:
    """Return the sum within `by` cells in rows and columns, (N, H, W)."""
    return _separable(image, by, np.add)


def _separable(image: Image, by: int, combine: np.ufunc) -> Image:
    rows = image.copy()
    for step in range(1, by + 1):
        combine(rows[:, step:], image[:, :-step], out=rows[:, step:])
        combine(rows[:, :-step], image[:, step:], out=rows[:, :-step])
    out = rows.copy()
    for step in range(1, by + 1):
        combine(out[:, :, step:], rows[:, :, :-step], out=out[:, :, step:])
        combine(out[:, :, :-step], rows[:, :, step:], out=out[:, :, :-step])
    return out
