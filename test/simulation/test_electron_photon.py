from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import InputError, OutputError
from RecoE2E.ParticleViT.simulation import electron_photon, shower


@pytest.fixture(scope="module")
def crops() -> electron_photon.Crops:
    return electron_photon.simulate(4000, seed=3)


def rms(energy: np.ndarray, axis: int) -> np.ndarray:
    profile = energy.sum(3 - axis)
    place = np.arange(32)
    mean = (profile * place).sum(1) / profile.sum(1)
    return np.sqrt((profile * (place - mean[:, None]) ** 2).sum(1) / profile.sum(1))


def test_shapes_and_units(crops: electron_photon.Crops):
    assert crops.energy.shape == crops.time.shape == (4000, 32, 32)
    assert crops.energy.dtype == crops.time.dtype == np.float32
    assert set(np.unique(crops.label)) == {0, 1}
    assert abs(crops.label.mean() - 0.5) < 0.05
    assert crops.energy.min() == 0
    assert np.all((crops.time != 0) <= (crops.energy > 0))
    assert crops.time.min() < 0 < crops.time.max()
    assert np.all(np.abs(crops.eta) < 1.4)
    assert np.all((np.abs(crops.ieta) >= 1) & (np.abs(crops.ieta) <= 70))
    assert np.all((crops.iphi >= 1) & (crops.iphi <= 360))


def test_seed_is_the_hottest_crystal(crops: electron_photon.Crops):
    peak = crops.energy.reshape(4000, -1).argmax(1)
    assert np.all(peak == electron_photon.SEED * 32 + electron_photon.SEED)


def test_seed_lies_where_the_particle_went(crops: electron_photon.Crops):
    photons = crops.label == 0
    eta = (np.abs(crops.ieta) - 0.5) * np.sign(crops.ieta) * 0.0174
    assert np.median(np.abs(eta - crops.eta)[photons]) < 0.05  # the vertex moves along the beam
    phi = np.deg2rad(crops.iphi - 0.5)
    distance = np.abs((phi - crops.phi + np.pi) % (2 * np.pi) - np.pi)
    assert np.median(distance[photons]) < 0.01


def test_energy_scale(crops: electron_photon.Crops):
    response = crops.energy.sum((1, 2)) / (50.0 * np.cosh(crops.eta))
    assert np.median(response) == pytest.approx(1.0, abs=0.02)


def test_electrons_are_wider_in_phi(crops: electron_photon.Crops):
    electron, photon = crops.energy[crops.label == 1], crops.energy[crops.label == 0]
    assert np.median(rms(electron, 2)) > 1.1 * np.median(rms(photon, 2))
    assert np.median(rms(electron, 1)) == pytest.approx(np.median(rms(photon, 1)), rel=0.05)


def test_photons_are_symmetric(crops: electron_photon.Crops):
    mean = crops.energy[crops.label == 0].mean(0)
    seed = electron_photon.SEED
    for one, other in (
        (mean[seed, seed + 1], mean[seed, seed - 1]),
        (mean[seed + 1, seed], mean[seed - 1, seed]),
    ):
        assert one == pytest.approx(other, rel=0.15)


def test_same_seed_same_crops(crops: electron_photon.Crops):
    again = electron_photon.simulate(1500, seed=3)
    for name in crops._fields:
        np.testing.assert_array_equal(getattr(again, name), getattr(crops, name)[:1500])
    other = electron_photon.simulate(100, seed=4)
    assert not np.array_equal(other.energy, crops.energy[:100])


def test_constants_that_vary(crops: electron_photon.Crops):
    """Each event has its own: as many hits on average, but a wider spread of what they depend on."""
    varied = electron_photon.simulate(len(crops.label), 3, vary=True)
    again = electron_photon.simulate(len(crops.label), 3, vary=True)
    assert all(np.array_equal(a, b) for a, b in zip(varied, again, strict=True))
    assert not np.array_equal(varied.energy, crops.energy)
    constants = electron_photon._draw_constants(20_000, np.random.default_rng(1))
    spreads = electron_photon.MATERIAL_SPREAD, electron_photon.RADIUS_SPREAD, electron_photon.NOISE_SPREAD
    for drawn, spread in zip(constants, spreads, strict=True):
        assert abs(np.log(drawn).std() / spread - 1) < 0.05
        assert abs(np.median(drawn) - 1) < 0.01
    hits, more = ((one.energy > 0).sum((1, 2)) for one in (crops, varied))
    assert 0.9 < more.mean() / hits.mean() < 1.1


def test_more_material_widens_electrons_and_larger_radii_widen_all():
    theta, z = np.full(2000, 1.2), np.zeros(2000)
    random = np.random.default_rng(1)
    thin, thick = (
        len(electron_photon._fire(theta, z, np.full(2000, factor), random).energy) for factor in (0.7, 1.4)
    )
    assert thick > 1.3 * thin  # radiated photons and pairs
    energy, place, mirrored = np.full(500, 50.0), np.full(500, 10.5), np.zeros(500, bool)
    narrow, wide = (
        shower.deposit(
            np.arange(500), energy, place, place, mirrored, (500, 21, 21), random, np.full(500, factor)
        )[:, 10, 10].mean()
        for factor in (0.92, 1.08)
    )
    assert narrow > 1.01 * wide


def test_public_layout(tmp_path: Path, crops: electron_photon.Crops):
    seen: list[int] = []
    path = tmp_path / "crops.hdf5"
    electron_photon.write_hdf5(path, 1200, 3, seen.append)
    assert sum(seen) == 1200
    assert [file.name for file in tmp_path.iterdir()] == ["crops.hdf5"]
    with h5py.File(path) as file:
        assert file["X"].shape == (1200, 32, 32, 2)
        assert file["X"].dtype == np.float32
        np.testing.assert_array_equal(file["X"][..., 0], crops.energy[:1200] / 50)
        np.testing.assert_array_equal(file["X"][..., 1], crops.time[:1200] / 50)
        np.testing.assert_array_equal(file["y"][:], crops.label[:1200])
        for name in ("pt", "eta", "phi", "ieta", "iphi"):
            np.testing.assert_array_equal(file[name][:], getattr(crops, name)[:1200])


@pytest.mark.parametrize(("events", "seed"), [(0, 1), (-5, 1), (10, -1), (2**63 - 1, 1)])
def test_bad_numbers(tmp_path: Path, events: int, seed: int):
    with pytest.raises(InputError, match="give 1 to"):
        electron_photon.write_hdf5(tmp_path / "x.hdf5", events, seed)
    assert not list(tmp_path.iterdir())


def test_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        electron_photon.write_hdf5(tmp_path / "file" / "x.hdf5", 10, 1)


def test_killed_writer_leaves_no_result(tmp_path: Path):
    path = tmp_path / "crops.hdf5"
    code = f"""
from RecoE2E.ParticleViT.simulation import electron_photon, shower
electron_photon.write_hdf5({str(path)!r}, 10**6, 1, lambda n: print(n, flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert not path.exists()
    electron_photon.write_hdf5(path, 10, 1)
    assert [file.name for file in tmp_path.iterdir()] == ["crops.hdf5"]


def test_command(script, tmp_path: Path):
    path = tmp_path / "crops.hdf5"
    script("simulate", "electron_photon", "--events", 20, "--seed", 5, "--output", path)
    with h5py.File(path) as file:
        assert len(file["y"]) == 20
    script("simulate", "electron_photon", "--events", 0, "--output", path, check=2)
    done = script("simulate", "electron_photon", "--events", 3, "--output", tmp_path / "crops.txt", check=2)
    assert "choose one of these suffixes" in done.stderr
