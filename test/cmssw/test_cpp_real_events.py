"""Real CMS events: of the same hits, the ingest and C++ make the same images, bit for bit."""

import json
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.geometry.candidates import Candidates
from RecoE2E.ParticleViT.geometry.cells import ecal_cells
from RecoE2E.ParticleViT.geometry.event_files import HitEvent, write_events
from RecoE2E.ParticleViT.ingest.sources import ispy_objects
from RecoE2E.ParticleViT.ingest.sources.ispy import IspySource
from RecoE2E.ParticleViT.ingest.sources.ispy_file import IspyFile
from RecoE2E.ParticleViT.recipe import load_recipe

FILES = (
    "cms_BJetPlusX_Run2012C.ig",
    "cms_DoubleElectron_Run2012C.ig",
    "cms_DoublePhoton_Run2012B.ig",
    "cms_Hto4l_2012_simulation.ig",
)


def egamma_event(event):
    """Hits, and photons before electrons, of an event, as `IspySource` takes them."""
    clusters = ispy_objects.superclusters(event)
    electrons = ispy_objects.electrons(event, clusters)
    photons = ispy_objects.without(ispy_objects.photons(event, clusters), electrons)
    both = [np.concatenate(pair) for pair in zip(photons, electrons, strict=True)]
    own = [*clusters.crystals, np.zeros((0, 2), np.int64)]  # the last of those without a supercluster
    crystals = [own[number] for number in both[photons._fields.index("supercluster")]]
    return HitEvent(Candidates(*both[:3]), crystals, ispy_objects.barrel_hits(event))


def jet_event(event):
    """Hits, tracks and jets of an event."""
    jets = Candidates(*(event.column("PFJets", names) for names in ("pt|et", "eta", "phi")))
    parts = ("barrel_hits", "endcap_hits", "tower_hits", "tracks")
    return HitEvent(jets, None, *(getattr(ispy_objects, part)(event) for part in parts))


def description(source: IspySource) -> str:
    content = {"format_version": 2, "name": "test", "image": source.image.to_dict(), "classes": ["a", "b"]}
    return json.dumps({**content, "input": "image", "output": "scores"})


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("recipe", "convert", "least"), [("electron_photon_ispy", egamma_event, 10), ("jets_ispy", jet_event, 40)]
)
def test_images_are_identical(program, shared_data, tmp_path, recipe, convert, least, name):
    source = IspySource(str(shared_data / name), load_recipe(recipe), everything=True)
    expected = source.read(0, source.entries)
    file = IspyFile(str(shared_data / name))
    readable = [number for number in range(source.entries) if number not in source.unreadable]
    write_events(tmp_path / "events.txt", [convert(file.read(number)) for number in readable])
    (tmp_path / "model.json").write_text(description(source))
    names = [tmp_path / part for part in ("model.json", "events.txt", "images.npy", "status.npy")]
    summary = json.loads(program("makeImages", *names).stdout)
    found = np.load(tmp_path / "images.npy")
    assert len(found) >= least
    assert summary["events"] == len(readable)
    assert summary["unknown_hits"] == 0
    assert summary["status"]["0"] == len(found)
    np.testing.assert_array_equal(np.load(tmp_path / "status.npy"), expected.status)
    np.testing.assert_array_equal(found, expected.images.to_dense()[expected.status == 0])


@pytest.mark.parametrize("name", FILES)
def test_every_barrel_hit_lies_in_its_own_crystal(program, shared_data, tmp_path, name):
    file = IspyFile(str(shared_data / name))
    places = []
    for number in range(len(file.names)):
        event = file.read(number)
        crystals = ispy_objects.barrel_hits(event)
        eta, phi = (event.column("EBRecHits", column).astype(np.float32) for column in ("eta", "phi"))
        places.append(np.stack([eta, phi, crystals.ieta, crystals.iphi], axis=1).astype(np.float32))
    eta, phi, ieta, iphi = np.concatenate(places).T
    np.save(tmp_path / "directions.npy", np.ascontiguousarray(np.stack([eta, phi], axis=1)))
    program("windowVectors", "cells", tmp_path / "directions.npy", tmp_path / "cells.npy")
    rows, columns = np.load(tmp_path / "cells.npy")[:, :2].T
    np.testing.assert_array_equal(rows, np.where(ieta > 0, ieta - 1, ieta) + 140)
    np.testing.assert_array_equal(columns, iphi - 1)
    assert len(rows) > 4000
    np.testing.assert_array_equal(ecal_cells(eta.astype(float), phi.astype(float))[0], rows)


def test_files_are_those_of_the_samples(shared_data: Path):
    assert {path.name for path in shared_data.glob("*.ig")} == set(FILES)
