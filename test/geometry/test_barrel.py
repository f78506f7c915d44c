"""The table of the barrel's edges, read off the corners of real hits, and what it is good for."""

from __future__ import annotations

import numpy as np
import pytest

from RecoE2E.ParticleViT.geometry import cells, detids, pictures
from RecoE2E.ParticleViT.geometry.barrel import BARREL_ETA_EDGES
from RecoE2E.ParticleViT.geometry.windows import Window, crop
from RecoE2E.ParticleViT.ingest.sources import ispy_objects
from RecoE2E.ParticleViT.ingest.sources.ispy import cluster_seeds
from RecoE2E.ParticleViT.ingest.sources.ispy_file import IspyFile

FRONT = [f"front_{corner}" for corner in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def events(shared_data):
    """All events of the event-display files."""
    files = [IspyFile(str(path)) for path in sorted(shared_data.glob("*.ig"))]
    return [file.read(number) for file in files for number in range(len(file.names))]


@pytest.fixture(scope="module")
def barrel(events):
    """ieta, iphi, eta, phi (N,) of all barrel hits, and the |eta| of their front corners (N, 4)."""
    ids = detids.crystals(np.concatenate([event.column("EBRecHits", "detid") for event in events]))
    eta = np.concatenate([event.column("EBRecHits", "eta") for event in events])
    phi = np.concatenate([event.column("EBRecHits", "phi") for event in events])
    corners = np.stack(
        [np.concatenate([event.column("EBRecHits", name) for event in events]) for name in FRONT], axis=1
    )  # (N, 4, 3)
    corner_eta = np.arcsinh(corners[..., 2] / np.hypot(corners[..., 0], corners[..., 1]))
    return ids.ieta, ids.iphi, eta, phi, np.sort(corner_eta * np.sign(ids.ieta)[:, None], axis=1)


def test_the_table_is_what_the_corners_of_hits_say(barrel):
    ieta, iphi, _, _, corners = barrel
    _, first = np.unique(ieta * 1000 + iphi, return_index=True)  # each crystal once
    ring, corners = np.abs(ieta[first]), corners[first]
    hits = np.bincount(ring)[1:]
    assert (len(hits), hits.min()) == (85, 263)
    inner = np.bincount(ring, corners[:, :2].mean(axis=1))[1:] / hits
    outer = np.bincount(ring, corners[:, 2:].mean(axis=1))[1:] / hits
    edges = np.concatenate([[0.0], (outer[:-1] + inner[1:]) / 2, outer[-1:]])
    np.testing.assert_allclose(BARREL_ETA_EDGES, edges, atol=1e-5)


def test_every_barrel_hit_lies_in_its_own_crystal(barrel):
    ieta, iphi, eta, phi, _ = barrel
    rows, columns = cells.ecal_cells(eta, phi)
    own_rows, own_columns = cells.eb_cells(ieta, iphi)
    assert len(ieta) == 38_200
    np.testing.assert_array_equal(rows - 55, own_rows)
    np.testing.assert_array_equal(columns, own_columns)
    uniform = np.floor(eta / 0.0174) + 85  # the grid before
    assert 0.5 < (uniform == own_rows).mean() < 0.6


def test_towers_lie_where_their_hits_do(events):
    for event in events:
        for part in ("HBRecHits", "HERecHits"):
            ids = detids.towers(event.column(part, "detid"))
            rows, columns = cells.hbhe_cells(event.column(part, "eta"), event.column(part, "phi"))
            own_rows, own_columns = cells.hbhe_tower_cells(ids.ieta, ids.iphi)
            np.testing.assert_array_equal(rows, own_rows)
            fine = ~cells.is_coarse(ids.ieta)
            np.testing.assert_array_equal(columns[fine], own_columns[fine])
            assert (ids.depth >= 1).all()


def test_endcap_hits_lie_beyond_the_barrel(events):
    eta = np.concatenate([event.column("EERecHits", "eta") for event in events])
    rows, _ = cells.ecal_cells(eta, np.zeros_like(eta))
    assert ((rows < 55) | (rows >= 225)).all()
    assert (rows >= 0).all()


def test_crystals_around_photons_add_up_to_cmssw_s_own_sum(events):
    """5 x 5 around the seed of the barrel's photons above 10 GeV, negative hits included, is `e5x5`."""
    right, wrong_seeds = [], 0
    for event in events:
        image = pictures.barrel_images(ispy_objects.barrel_hits(event), noise=True)[0]
        clusters = ispy_objects.superclusters(event)
        photons = ispy_objects.photons(event, clusters)
        seeds = cluster_seeds(image, clusters)
        energy, highest, sums = (
            event.column("Photons", name) for name in ("energy", "maxEnergyXtal", "e5x5")
        )
        for item, cluster in zip(photons.item, photons.supercluster, strict=True):
            if energy[item] > 10 and cluster >= 0:  # -1: without a supercluster
                row, column = seeds[cluster]
                window = crop(image, row, column, Window(5, 5, 2, 2))
                wrong_seeds += abs(window[2, 2] / highest[item] - 1) > 1e-4
                right.append(abs(window.sum() / sums[item] - 1) < 1e-3)
    assert (len(right), wrong_seeds) == (102, 0)
    assert np.mean(right) >= 0.97  # 99 of them


@pytest.mark.parametrize("new", [False, True])
def test_tower_ids_of_both_layouts(new):
    def encode(part, depth, ieta, iphi):
        if new:
            side = 0x80000 if ieta > 0 else 0
            return (4 << 28) | (part << 25) | (1 << 24) | (depth << 20) | side | (abs(ieta) << 10) | iphi
        return (
            (4 << 28) | (part << 25) | (depth << 14) | (0x2000 if ieta > 0 else 0) | (abs(ieta) << 7) | iphi
        )

    ids = np.array([encode(1, 1, 1, 72), encode(1, 2, -16, 1), encode(2, 3, 29, 71), encode(3, 4, 5, 6)])
    found = detids.towers(ids)
    assert found.ieta.tolist() == [1, -16, 29, 0]  # the last is of the outer calorimeter
    assert found.iphi[:3].tolist() == [72, 1, 71]
    assert found.depth[:3].tolist() == [1, 2, 3]
