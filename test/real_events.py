"""Real events as a cmsRun job takes them, its models, and the images that Python makes of the events."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from RecoE2E.ParticleViT.geometry.candidates import (
    Candidates,
    Pictures,
    crop_barrel,
    crop_jets,
    highest_crystal,
)
from RecoE2E.ParticleViT.geometry.cells import eb_cells
from RecoE2E.ParticleViT.geometry.description import ImageSpec
from RecoE2E.ParticleViT.geometry.event_files import HitEvent
from RecoE2E.ParticleViT.geometry.hits import EndcapHits
from RecoE2E.ParticleViT.geometry.pictures import barrel_images, ecal_image, tower_images, track_image
from RecoE2E.ParticleViT.geometry.windows import upsample_hbhe
from RecoE2E.ParticleViT.ingest.sources import ispy_objects
from RecoE2E.ParticleViT.ingest.sources.ispy_file import IspyEvent, IspyFile

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "models"
NETWORKS = {"crops": "electron_photon", "jets": "quark_gluon"}
CHANNELS = {
    "crops": [("energy", "GeV", "energy"), ("time", "ns", "time")],
    "jets": [("tracks", "GeV", "momentum"), ("ecal", "GeV", "energy"), ("hcal", "GeV", "energy")],
}
IMAGES = {
    "crops": {
        "height": 32,
        "width": 32,
        "seed": [15, 15],
        "domain": {"pt": [10.0, None], "abs_eta": [0.0, 1.44]},
    },
    "jets": {
        "height": 125,
        "width": 125,
        "seed": [62, 62],
        "track_position": "vertex",
        "jet_seed": "depth1",
        "domain": {"pt": [20.0, None]},
    },
}


class Expected(NamedTuple):
    """What Python makes of the candidates of all events."""

    images: np.ndarray
    status: np.ndarray
    chosen: np.ndarray  # candidate of each image, counted over all events


def read_events(folder: Path) -> list[HitEvent]:
    """Return the events of all event-display files of a folder."""
    files = [IspyFile(str(path)) for path in sorted(folder.glob("*.ig"))]
    return [convert(file.read(number)) for file in files for number in range(len(file.names))]


def convert(event: IspyEvent) -> HitEvent:
    """Return hits and tracks, and photons, electrons and jets as candidates, of an event.

    CMSSW holds the numbers of candidates in float32, and hits sorted by crystal; the test source numbers the
    crystals of the endcaps in the order of their directions.
    """
    clusters = ispy_objects.superclusters(event)
    egammas = [ispy_objects.photons(event, clusters), ispy_objects.electrons(event, clusters)]
    jets = Candidates(*(event.column("PFJets", names) for names in ("pt|et", "eta", "phi")))
    candidates = [
        np.concatenate([*(getattr(objects, name) for objects in egammas), getattr(jets, name)])
        for name in Candidates._fields
    ]
    nothing = np.zeros((0, 2), np.int64)
    own = [*clusters.crystals, nothing]  # number -1: none
    crystals = [own[number] for objects in egammas for number in objects.supercluster]
    endcap = ispy_objects.endcap_hits(event)
    order = np.lexsort((endcap.phi, endcap.eta))
    return HitEvent(
        Candidates(*(values.astype(np.float32).astype(np.float64) for values in candidates)),
        crystals + [nothing] * len(jets.pt),
        ispy_objects.barrel_hits(event),
        EndcapHits(*(values[order] for values in endcap)),
        ispy_objects.tower_hits(event),
        ispy_objects.tracks(event),
    )


def write_models(folder: Path) -> Path:
    """Put the shipped networks into a folder as crops.onnx and jets.onnx, with a wide domain."""
    folder.mkdir(parents=True)
    for name, shipped in NETWORKS.items():
        shutil.copy(SHIPPED / f"{shipped}.onnx", folder / f"{name}.onnx")
        content = json.loads((SHIPPED / f"{shipped}.json").read_text())
        checksum = hashlib.sha256((folder / f"{name}.onnx").read_bytes()).hexdigest()
        description = {
            **{key: content[key] for key in ("name", "classes", "input", "output", "working_points")},
            "format_version": 2,
            "image": describe(name).to_dict(),
            "onnx": {"file": f"{name}.onnx", "sha256": checksum},
        }
        (folder / f"{name}.json").write_text(json.dumps(description))
    return folder


def describe(name: str) -> ImageSpec:
    """Return the description of the images of crops or jets."""
    channels = [dict(zip(("name", "unit", "kind"), one, strict=True)) for one in CHANNELS[name]]
    return ImageSpec.from_dict({"channels": channels, "tier": "reduced", **IMAGES[name]})


def describe_shipped(name: str) -> ImageSpec:
    """Return the description of the images that the shipped model of crops or jets takes."""
    content = json.loads((SHIPPED / f"{NETWORKS[name]}.json").read_text())
    return ImageSpec.from_dict(content["image"])


def make_pictures(image: ImageSpec, event: HitEvent) -> Pictures:
    """Return what Python makes of the candidates of one event."""
    energy, time = barrel_images(event.barrel)
    if image.jet_seed == "none":
        cells = [eb_cells(crystals[:, 0], crystals[:, 1]) for crystals in event.crystals]
        seeds = [highest_crystal(energy, rows, columns) for rows, columns in cells]
        return crop_barrel(np.stack([energy, time]), event.candidates, seeds, image)
    total, first = tower_images(event.towers)
    ecal = ecal_image(energy, event.endcap)
    layers = np.stack([track_image(event.tracks, 0.5), ecal, upsample_hbhe(total)])
    return crop_jets(layers, event.candidates, first if image.jet_seed == "depth1" else total, image)


def make_images(image: ImageSpec, events: Iterable[HitEvent]) -> Expected:
    """Return what Python makes of the candidates of all events."""
    pictures = [make_pictures(image, event) for event in events]
    starts = np.cumsum([0, *(len(one.status) for one in pictures)])
    return Expected(
        np.concatenate([one.images for one in pictures]),
        np.concatenate([one.status for one in pictures]),
        np.concatenate([one.chosen + start for one, start in zip(pictures, starts, strict=False)]),
    )


def score(model: Path, images: np.ndarray) -> np.ndarray:
    """Return the probabilities (N, K) that ONNX Runtime gives in Python."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given, wanted = session.get_inputs()[0].name, [session.get_outputs()[0].name]
    parts = np.array_split(images, len(images) // 64 + 1)
    return np.concatenate([session.run(wanted, {given: part})[0] for part in parts])
