"""C++ and Python cut the same windows from the same detector, bit for bit."""

import json

import numpy as np
import pytest

from RecoE2E.ParticleViT.geometry import barrel, cells, grids, seeds, windows


def hits(random, rows, columns, count):
    """An image with `count` random hits, some of them in the same cell, some negative."""
    image = np.zeros((rows, columns), np.float32)
    places = random.integers(0, rows, count), random.integers(0, columns, count)
    np.add.at(image, places, random.normal(1, 3, count).astype(np.float32))
    return image


def test_geometry_constants_are_the_same(program):
    found = json.loads(program("windowVectors", "constants").stdout)
    ietas = [ieta for ieta in range(-grids.EB_IETA_MAX, grids.EB_IETA_MAX + 1) if ieta]
    assert found.pop("eb_row") == cells.eb_cells(np.array(ietas), np.ones(len(ietas), int))[0].tolist()
    assert found.pop("barrel_eta_edges") == list(barrel.BARREL_ETA_EDGES)
    assert found.pop("tower_eta_edges") == list(grids.TOWER_ETA_EDGES)
    assert len(found) == 9
    for name, value in found.items():
        assert value == getattr(grids, name), name


@pytest.mark.parametrize(
    "window", [(32, 32, 16, 16), (32, 32, 15, 15), (125, 125, 62, 62), (1, 1, 0, 0), (6, 361, 5, 2)]
)
def test_crops_are_identical(program, tmp_path, window):
    random = np.random.default_rng(window[0])
    image = hits(random, grids.ECAL_ROWS, grids.ECAL_COLUMNS, 20000)
    places = np.stack([random.integers(0, size, 400) for size in image.shape], axis=1)
    edges = [(row, column) for row in (0, 1, 139, 278, 279) for column in (0, 14, 15, 16, 343, 344, 359)]
    places = np.concatenate([places, edges])
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "seeds.npy", places.astype(np.float32))
    program(
        *("windowVectors", "crop", tmp_path / "image.npy", tmp_path / "seeds.npy"),
        *(*window, tmp_path / "out.npy"),
    )
    expected = windows.crop_many(image[np.newaxis], places[:, 0], places[:, 1], windows.Window(*window))
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected)


def test_upsampled_towers_are_identical(program, tmp_path):
    towers = hits(np.random.default_rng(2), grids.HBHE_ROWS, grids.HBHE_COLUMNS, 3000)
    np.save(tmp_path / "towers.npy", towers)
    program("windowVectors", "upsample", tmp_path / "towers.npy", tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), windows.upsample_hbhe(towers))


@pytest.mark.parametrize("count", [30, 3000])
def test_jet_seeds_are_identical(program, tmp_path, count):
    towers = np.round(hits(np.random.default_rng(3), grids.HBHE_ROWS, grids.HBHE_COLUMNS, count))
    starts = np.array([(r, c) for r in range(grids.HBHE_ROWS) for c in range(grids.HBHE_COLUMNS)])
    np.save(tmp_path / "towers.npy", towers)
    np.save(tmp_path / "starts.npy", starts.astype(np.float32))
    program("windowVectors", "seeds", tmp_path / "towers.npy", tmp_path / "starts.npy", tmp_path / "out.npy")
    expected = [seeds.find_jet_seed(towers, *start) for start in starts.tolist()]
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected)


def test_directions_belong_to_the_same_cells(program, tmp_path):
    random = np.random.default_rng(4)
    eta = np.concatenate([random.uniform(-3.2, 3.2, 20000), barrel.BARREL_ETA_EDGES, grids.TOWER_ETA_EDGES])
    special = [0.0, -0.0, 3.0, -3.0, np.nan, np.inf, -np.inf, 1.479, -1.479, 1.4789999, 1e30]
    eta = np.concatenate([eta, -eta, special]).astype(np.float32)
    phi = random.uniform(-np.pi, np.pi, len(eta)).astype(np.float32)
    phi[::97] = np.radians(random.integers(-180, 181, len(phi[::97])))
    phi[5:10] = [np.nan, np.inf, 7.0, -7.0, 100.0]
    np.save(tmp_path / "directions.npy", np.stack([eta, phi], axis=1))
    program("windowVectors", "cells", tmp_path / "directions.npy", tmp_path / "out.npy")
    found = np.load(tmp_path / "out.npy").astype(int)
    for place, function in ((0, cells.ecal_cells), (2, cells.hbhe_cells)):
        rows, columns = function(eta.astype(np.float64), phi.astype(np.float64))
        np.testing.assert_array_equal(found[:, place], rows)
        np.testing.assert_array_equal(found[rows >= 0, place + 1], columns[rows >= 0])
