"""C++ and Python cut the same windows from the same detector, bit for bit."""

import json

import numpy as np
import pytest

from RecoE2E.ParticleViT.geometry import grids as detector
from RecoE2E.ParticleViT.geometry import seeds, windows


def hits(random, rows, columns, count):
    """An image with `count` random hits, some of them in the same cell, some negative."""
    image = np.zeros((rows, columns), np.float32)
    cells = random.integers(0, rows, count), random.integers(0, columns, count)
    np.add.at(image, cells, random.normal(1, 3, count).astype(np.float32))
    return image


def test_geometry_constants_are_the_same(program):
    found = json.loads(program("windowVectors", "constants").stdout)
    ietas = [ieta for ieta in range(-detector.EB_IETA_MAX, detector.EB_IETA_MAX + 1) if ieta]
    assert found.pop("eb_row") == [detector.eb_row(ieta) for ieta in ietas]
    assert len(found) == 9
    for name, value in found.items():
        assert value == getattr(detector, name), name


@pytest.mark.parametrize(("height", "width"), [(32, 32), (125, 125), (1, 1), (6, 361)])
def test_crops_are_identical(program, tmp_path, height, width):
    random = np.random.default_rng(height)
    image = hits(random, detector.ECAL_ROWS, detector.ECAL_COLUMNS, 20000)
    seeds = np.stack([random.integers(0, size, 400) for size in image.shape], axis=1)
    edges = [(row, column) for row in (0, 1, 139, 278, 279) for column in (0, 14, 15, 16, 343, 344, 359)]
    seeds = np.concatenate([seeds, edges])
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "seeds.npy", seeds.astype(np.float32))
    program(
        *("windowVectors", "crop", tmp_path / "image.npy", tmp_path / "seeds.npy"),
        *(height, width, tmp_path / "out.npy"),
    )
    expected = windows.crop_many(image[np.newaxis], seeds[:, 0], seeds[:, 1], height, width)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected)


def test_upsampled_towers_are_identical(program, tmp_path):
    towers = hits(np.random.default_rng(2), detector.HBHE_ROWS, detector.HBHE_COLUMNS, 3000)
    np.save(tmp_path / "towers.npy", towers)
    program("windowVectors", "upsample", tmp_path / "towers.npy", tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), windows.upsample_hbhe(towers))


@pytest.mark.parametrize("count", [30, 3000])
def test_jet_seeds_are_identical(program, tmp_path, count):
    towers = np.round(hits(np.random.default_rng(3), detector.HBHE_ROWS, detector.HBHE_COLUMNS, count))
    starts = np.array([(r, c) for r in range(detector.HBHE_ROWS) for c in range(detector.HBHE_COLUMNS)])
    np.save(tmp_path / "towers.npy", towers)
    np.save(tmp_path / "starts.npy", starts.astype(np.float32))
    program("windowVectors", "seeds", tmp_path / "towers.npy", tmp_path / "starts.npy", tmp_path / "out.npy")
    expected = [seeds.find_jet_seed(towers, *start) for start in starts.tolist()]
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected)
