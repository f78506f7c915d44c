from __future__ import annotations

import numpy as np
import pytest

from RecoE2E.ParticleViT.simulation import readout


def event(**cells: float) -> np.ndarray:
    image = np.zeros((1, 40, 40), np.float32)
    for name, energy in cells.items():
        row, column = map(int, name[1:].split("_"))
        image[0, row, column] = energy
    return image


def test_noise_has_the_width_of_a_crystal():
    smeared = readout.smear(np.zeros((100, 40, 40), np.float32), np.random.default_rng(1))
    assert smeared.std() == pytest.approx(readout.NOISE_GEV, rel=0.02)


def test_resolution_of_a_large_deposit():
    smeared = readout.smear(np.full((100, 40, 40), 50.0, np.float32), np.random.default_rng(1))
    assert smeared.mean() == pytest.approx(50.0, abs=0.01)
    assert 0.3 < smeared.std() < 0.8


def test_full_readout_around_hot_towers_only():
    image = event(c17_17=10.0, c10_10=0.05, c3_3=0.05, c4_35=0.3)
    kept = readout.selective_readout(image, np.ones(1))[0]
    assert kept[17, 17] == 10.0
    assert kept[10, 10] == np.float32(0.05)  # neighbouring tower
    assert kept[3, 3] == 0  # zero-suppressed
    assert kept[4, 35] == np.float32(0.3)  # above the zero suppression


def test_dead_towers_spread_what_the_trigger_saw():
    image = event(c17_17=10.0, c10_10=1.3, c3_3=0.2)
    energy, dead = readout.kill_towers(image, np.random.default_rng(1), share=1.0)
    assert energy[0, 17, 17] == 10.0  # the hottest tower lives
    assert not dead[0, 15:20, 15:20].any()
    assert np.all(energy[0, 10:15, 10:15] == np.float32(1.0 / 25))
    assert energy[0, 3, 3] == 0
    assert dead.sum() == 40 * 40 - 25


def test_ring_is_around_dead_crystals():
    dead = np.zeros((2, 40, 40), bool)
    dead[1, 10:15, 10:15] = True
    ring = readout.ring(dead)
    assert ring.sum() == 7 * 7 - 25
    assert ring[1, 9, 9]
    assert not ring[1, 10, 10]


def test_hits_next_to_dead_crystals_are_kept():
    near = np.zeros((1, 40, 40), bool)
    near[0, 30, 30] = True
    image = event(c17_17=10.0, c30_30=0.01, c30_31=0.01)
    kept = readout.reduced_hits(image, 17, np.ones(1), near)[0]
    assert kept[30, 30] > 0
    assert kept[30, 31] == 0


def test_negative_amplitudes_vanish():
    kept = readout.selective_readout(event(c17_17=10.0, c16_16=-0.1), np.ones(1))
    assert kept.min() == 0


def test_reduced_hits_keep_windows_and_isolated_hits():
    image = event(c17_17=10.0, c15_15=0.01, c14_17=0.05, c14_16=0.085, c30_30=0.09, c31_5=0.1)
    kept = readout.reduced_hits(image, 17, np.ones(1))[0]
    assert kept[15, 15] > 0  # 5 x 5 around the seed
    assert kept[14, 17] == 0  # outside, below the clusters' threshold
    assert kept[14, 16] > 0  # next to the window, above it
    assert kept[30, 30] == 0
    assert kept[31, 5] > 0  # above the isolation threshold


def test_dominoes_are_runs_with_a_seed():
    energy = np.array([[0.2, 0.05, 0.2, 0.5, 0.2, 0.0, 0.3]], np.float32)
    assert readout.dominoes(energy).tolist() == [[False, False, True, True, True, False, False]]


def test_times_sharpen_with_energy_and_may_be_negative():
    energy = np.zeros((2, 40, 40), np.float32)
    energy[0], energy[1, :20] = 0.1, 20.0
    times = readout.hit_times(energy, np.random.default_rng(1))
    assert times[1, 20:].max() == 0
    assert times[0].std() > 10.0
    assert times[1, :20].std() == pytest.approx(np.hypot(35.0 * 0.045 / 20.0, 0.07), rel=0.1)
    assert times.min() < 0
    assert np.abs(times).max() <= readout.TIME_RANGE_NS
