"""All modules in one cmsRun job over the hits of real events: the same images and scores as in Python."""

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("RecoE2E.ParticleViT.geometry.pictures")

from RecoE2E.ParticleViT.geometry.candidates import Status, crop_barrel, crop_jets, highest_crystal
from RecoE2E.ParticleViT.geometry.cells import eb_cells
from RecoE2E.ParticleViT.geometry.description import ImageSpec
from RecoE2E.ParticleViT.geometry.pictures import barrel_images, ecal_image, tower_images, track_image
from RecoE2E.ParticleViT.geometry.windows import upsample_hbhe
from RecoE2E.ParticleViT.inference import cmsrun

PACKAGE = Path(__file__).resolve().parents[2]


def load(path: Path):
    """Return a module of the tests; pytest does not put their folders on the path."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


text_files = load(Path(__file__).with_name("events.py"))
CONFIG = PACKAGE / "test" / "scoreEvents_cfg.py"
CHANNELS = {
    "crops": [("energy", "GeV", "energy"), ("time", "ns", "time")],
    "jets": [("tracks", "GeV", "momentum"), ("ecal", "GeV", "energy"), ("hcal", "GeV", "energy")],
}
IMAGES = {
    "crops": {
        "height": 32,
        "width": 32,
        "seed": [15, 15],
        "track_position": "none",
        "jet_seed": "none",
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
SHIPPED = {"crops": "electron_photon", "jets": "quark_gluon"}


class Expected(NamedTuple):
    """What Python makes of all candidates of all events."""

    images: np.ndarray
    status: np.ndarray
    chosen: np.ndarray  # candidate of each image, counted over all events


@pytest.fixture(scope="module")
def events(shared_data) -> list:
    return list(text_files.read_events(sorted(shared_data.glob("*.ig"))))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """Folder with the shipped networks, described so that most candidates get an image."""
    folder = tmp_path_factory.mktemp("events") / "models"
    folder.mkdir()
    for name, shipped in SHIPPED.items():
        shutil.copy(PACKAGE / "data" / "models" / f"{shipped}.onnx", folder / f"{name}.onnx")
        content = json.loads((PACKAGE / "data" / "models" / f"{shipped}.json").read_text())
        keys = ("channels", "classes", "input", "output", "working_points", "name")
        checksum = hashlib.sha256((folder / f"{name}.onnx").read_bytes()).hexdigest()
        description = {key: content[key] for key in keys if key in content}
        description |= {"format_version": 2, "image": image_of(name)}
        description |= {"onnx": {"file": f"{name}.onnx", "sha256": checksum}}
        (folder / f"{name}.json").write_text(json.dumps(description))
    return folder


def image_of(name: str) -> dict:
    channels = [dict(zip(("name", "unit", "kind"), one, strict=True)) for one in CHANNELS[name]]
    return {"channels": channels, "grid": {"kind": "crystals"}, "tier": "reduced", **IMAGES[name]}


def expected_images(name: str, event):
    """Return the pictures that Python makes of an event's candidates."""
    energy, time = barrel_images(event.barrel)
    if name == "crops":
        cells = [eb_cells(crystals[:, 0], crystals[:, 1]) for crystals in event.crystals]
        seeds = [highest_crystal(energy, rows, columns) for rows, columns in cells]
        return crop_barrel(
            np.stack([energy, time]), event.candidates, seeds, ImageSpec.from_dict(image_of(name))
        )
    total, first = tower_images(event.towers)
    ecal = ecal_image(energy, event.endcap)
    layers = np.stack([track_image(event.tracks, 0.5), ecal, upsample_hbhe(total)])
    return crop_jets(layers, event.candidates, first, ImageSpec.from_dict(image_of(name)))


@pytest.fixture(scope="module")
def expected(events) -> dict[str, Expected]:
    made = {name: [expected_images(name, event) for event in events] for name in IMAGES}
    starts = np.cumsum([0, *(len(event.candidates.pt) for event in events)])
    return {
        name: Expected(
            np.concatenate([one.images for one in pictures]),
            np.concatenate([one.status for one in pictures]),
            np.concatenate([one.chosen + start for one, start in zip(pictures, starts, strict=False)]),
        )
        for name, pictures in made.items()
    }


@pytest.fixture(scope="module")
def job(events, models):
    """Run the configuration: `job(folder, *options)` returns its log; skips where there is no cmsRun."""
    if shutil.which("cmsRun") is None:
        pytest.skip("no CMSSW: cmsRun is not on PATH")
    file = models.parent / "events.txt"
    text_files.write_events(file, events)

    def run(folder: Path, *options: object, check: int = 0, file: Path = file) -> str:
        options = ("--events", file, "--output", folder, *options)
        done = subprocess.run(
            ["cmsRun", str(CONFIG), "--", *map(str, options)],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env=cmsrun.job_environment(models),
        )
        log = done.stdout + done.stderr
        if "Unable to find plugin 'ParticleViTEventSource'" in log:
            pytest.skip("the package's test modules are not built in this CMSSW area")
        assert bool(done.returncode) == bool(check), log[-3000:]
        return log

    return run


@pytest.fixture(scope="module", params=[1, 2])
def made(job, request, tmp_path_factory) -> tuple[Path, str]:
    """Folder with the files of one job with both models, and its log; with 1 and 2 threads."""
    folder = tmp_path_factory.mktemp("made")
    options = ("--crops", "crops.onnx", "--jets", "jets.onnx", "--threads", request.param)
    return folder, job(folder, *options)


@pytest.mark.parametrize("name", ["crops", "jets"])
def test_images_are_those_of_python(made, expected, name):
    images = np.load(made[0] / f"{name}_images.npy")
    assert images.shape == expected[name].images.shape
    assert len(images) > 50
    np.testing.assert_array_equal(images, expected[name].images)


@pytest.mark.parametrize("name", ["crops", "jets"])
def test_every_candidate_has_its_values(made, models, expected, name):
    table = np.load(made[0] / f"{name}_table.npy")
    content = json.loads((models / f"{name}.json").read_text())
    scores, points, status = table[:, 2:4], table[:, 4], table[:, 5]
    np.testing.assert_array_equal(status, expected[name].status)
    assert len(set(status)) > 2  # several causes occur
    chosen = expected[name].chosen
    np.testing.assert_allclose(scores[chosen], python_scores(models, name, expected), atol=1e-5, rtol=0)
    others = status != Status.SCORED
    assert (scores[others] == -1).all()
    assert (points[others] == 0).all()
    (of_class, thresholds) = next(iter(content["working_points"].items()))
    limits = np.array(list(thresholds.values()), np.float32)
    score = scores[:, content["classes"].index(of_class)]
    passed = (score[chosen, np.newaxis] >= limits).sum(axis=1)
    np.testing.assert_array_equal(points[chosen], passed)


def python_scores(models: Path, name: str, expected: dict[str, Expected]) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(models / f"{name}.onnx", providers=["CPUExecutionProvider"])
    given, wanted = session.get_inputs()[0].name, [session.get_outputs()[0].name]
    parts = np.array_split(expected[name].images, len(expected[name].images) // 64 + 1)
    return np.concatenate([session.run(wanted, {given: part})[0] for part in parts])


def test_the_end_of_the_job_counts_the_causes(made, expected):
    for name in IMAGES:
        line = next(line for line in made[1].splitlines() if line.startswith(f"{name}Maps: "))
        counts = dict.fromkeys(Status, 0) | {
            Status(value): (expected[name].status == value).sum() for value in set(expected[name].status)
        }
        assert f"{counts[Status.SCORED]} candidates scored" in line
        numbers = sorted(
            int(word) for word in re.findall(r"(?<= )\d+(?= )", line.partition("not scored:")[2])
        )
        assert numbers == sorted(v for k, v in counts.items() if v and k != Status.SCORED)


def test_dropped_superclusters_are_no_seed(job, tmp_path, expected):
    job(tmp_path, "--crops", "crops.onnx", "--drop-clusters")
    status = np.load(tmp_path / "crops_table.npy")[:, 5]
    early = np.isin(expected["crops"].status, [Status.PT, Status.ETA])
    np.testing.assert_array_equal(status, np.where(early, expected["crops"].status, Status.NO_SEED))
    assert len(np.load(tmp_path / "crops_images.npy")) == 0


def test_hits_of_another_tier_are_refused(job, tmp_path):
    log = job(tmp_path, "--crops", "crops.onnx", "--tier", "mini", check=1)
    assert "the model takes hits of tier 'reduced'" in log
    assert "tier 'mini'" in log
    assert "Begin processing" not in log
    job(tmp_path, "--crops", "crops.onnx", "--tier", "full", "--allow-other-tier")


def test_unknown_hits_and_numbers_that_are_not_finite(job, tmp_path, events, expected):
    """A hit of no crystal is left out; a NaN in a window takes its score, and only that."""
    event = events[0]
    crop = expected_images("crops", event)
    assert len(crop.chosen) > 0
    row, column = crop.rows[0] - 55, crop.columns[0]
    ieta = row - 84 if row >= 85 else row - 85
    barrel = event.barrel
    place = np.flatnonzero((barrel.ieta == ieta) & (barrel.iphi == column + 1))
    time = barrel.time.copy()
    time[place] = np.nan
    changed = event._replace(
        barrel=barrel._replace(
            ieta=np.append(barrel.ieta, 99),
            iphi=np.append(barrel.iphi, 1),
            energy=np.append(barrel.energy, np.float32(5)),
            time=np.append(time, np.float32(0)),
        )
    )
    file = tmp_path / "events.txt"
    text_files.write_events(file, [changed])
    log = job(tmp_path, "--crops", "crops.onnx", file=file)
    status = np.load(tmp_path / "crops_table.npy")[:, 5]
    assert status[crop.chosen[0]] == Status.NOT_FINITE
    np.testing.assert_array_equal(status, expected_images("crops", changed).status)
    assert "1 hits have detector ids of no crystal or tower" in log
