"""All modules in one cmsRun job over the hits of real events: the same images and scores as in Python."""

import collections
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import real_events

from RecoE2E.ParticleViT.geometry.candidates import Status
from RecoE2E.ParticleViT.geometry.event_files import write_events
from RecoE2E.ParticleViT.inference import cmsrun

CONFIGS = Path(__file__).resolve().parents[1]
NAMES = ("crops", "jets")
CROPS = real_events.describe("crops")


@pytest.fixture(scope="module")
def events(shared_data):
    return real_events.read_events(shared_data)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return real_events.write_models(tmp_path_factory.mktemp("events") / "models")


@pytest.fixture(scope="module")
def expected(events):
    return {name: real_events.make_images(real_events.describe(name), events) for name in NAMES}


def cms_run(config: str, models: Path, check: bool, *arguments: object) -> str:
    """Run a configuration and return its log."""
    if shutil.which("cmsRun") is None:
        pytest.skip("no CMSSW: cmsRun is not on PATH")
    done = subprocess.run(
        ["cmsRun", str(CONFIGS / config), "--", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=cmsrun.job_environment(models),
    )
    log = done.stdout + done.stderr
    if "Unable to find plugin 'ParticleViTEventSource'" in log:
        pytest.skip("the package's test modules are not built in this CMSSW area")
    assert (done.returncode == 0) == check, log[-3000:]
    return log


def counts_in(log: str, label: str) -> list[int]:
    """Return what the job says of a module: candidates that are scored, and, sorted, those of each cause."""
    line = next(line for line in log.splitlines() if line.startswith(f"{label}: "))
    scored, _, others = line.partition("; not scored: ")
    return [
        int(re.search(r"(\d+) candidates scored", scored)[1]),
        *sorted(map(int, re.findall(r"\d+(?= )", others))),
    ]


def counts_of(status: np.ndarray) -> list[int]:
    counts = collections.Counter(status.tolist())
    return [counts.pop(int(Status.SCORED), 0), *sorted(counts.values())]


@pytest.fixture(scope="module")
def job(events, models):
    """Run scoreEvents_cfg.py: `job(folder, *options)` returns its log."""
    file = models.parent / "events.txt"
    write_events(file, events)

    def run(folder: Path, *options: object, check: bool = True, file: Path = file) -> str:
        return cms_run("scoreEvents_cfg.py", models, check, "--events", file, "--output", folder, *options)

    return run


@pytest.fixture(scope="module", params=[1, 2], ids=["1 thread", "2 threads"])
def made(job, request, tmp_path_factory) -> tuple[Path, str]:
    """Folder with the files of one job with both models, and its log."""
    folder = tmp_path_factory.mktemp("made")
    options = ("--crops", "crops.onnx", "--jets", "jets.onnx", "--threads", request.param)
    return folder, job(folder, *options)


@pytest.mark.parametrize("name", NAMES)
def test_images_are_those_of_python(made, expected, name):
    images = np.load(made[0] / f"{name}_images.npy")
    assert images.shape == expected[name].images.shape
    assert len(images) > 50
    np.testing.assert_array_equal(images, expected[name].images)


@pytest.mark.parametrize("name", NAMES)
def test_every_candidate_has_its_values(made, models, expected, name):
    table = np.load(made[0] / f"{name}_table.npy")
    scores, points, status = table[:, 2:4], table[:, 4], table[:, 5]
    np.testing.assert_array_equal(status, expected[name].status)
    assert len(set(status)) > 2, "several causes should occur"
    chosen = expected[name].chosen
    own = real_events.score(models / f"{name}.onnx", expected[name].images)
    np.testing.assert_allclose(scores[chosen], own, atol=1e-5, rtol=0)
    others = status != Status.SCORED
    assert (scores[others] == -1).all()
    assert (points[others] == 0).all()
    content = json.loads((models / f"{name}.json").read_text())
    of_class, thresholds = next(iter(content["working_points"].items()))
    score = scores[chosen, content["classes"].index(of_class)].astype(np.float64)
    passed = (score[:, np.newaxis] >= list(thresholds.values())).sum(axis=1)
    np.testing.assert_array_equal(points[chosen], passed)


def test_the_end_of_the_job_counts_the_causes(made, expected):
    for name in NAMES:
        assert counts_in(made[1], f"{name}Maps") == counts_of(expected[name].status)


def test_tasks_score_the_candidates_of_the_shipped_models(events, models, tmp_path):
    write_events(tmp_path / "events.txt", events)
    log = cms_run("runTasks_cfg.py", models, True, "--events", tmp_path / "events.txt", "--threads", 2)
    for label, name in (("Photons", "crops"), ("Electrons", "crops"), ("Jets", "jets")):
        expected = real_events.make_images(real_events.describe_shipped(name), events)
        assert counts_in(log, f"particleViT{label}") == counts_of(expected.status)


def test_dropped_superclusters_are_no_seed(job, tmp_path, expected):
    job(tmp_path, "--crops", "crops.onnx", "--drop-clusters")
    status = np.load(tmp_path / "crops_table.npy")[:, 5]
    early = np.isin(expected["crops"].status, [Status.PT, Status.ETA])
    np.testing.assert_array_equal(status, np.where(early, expected["crops"].status, Status.NO_SEED))
    assert len(np.load(tmp_path / "crops_images.npy")) == 0


def test_hits_of_another_tier_are_refused(job, tmp_path):
    log = job(tmp_path, "--crops", "crops.onnx", "--tier", "mini", check=False)
    assert "the model takes hits of tier 'reduced'" in log
    assert "tier 'mini'" in log
    assert "Begin processing" not in log
    job(tmp_path, "--crops", "crops.onnx", "--tier", "mini", "--allow-other-tier")


def test_unknown_hits_and_numbers_that_are_not_finite(job, tmp_path, events):
    """A hit of no crystal is left out; a NaN in a window takes its score, and only that."""
    event = next(event for event in events if len(real_events.make_pictures(CROPS, event).chosen) > 0)
    picture = real_events.make_pictures(CROPS, event)
    row = picture.rows[0] - 140  # of the ECAL image
    seed = (event.barrel.ieta == (row + 1 if row >= 0 else row)) & (
        event.barrel.iphi == picture.columns[0] + 1
    )
    assert seed.sum() == 1
    barrel = event.barrel._replace(time=np.where(seed, np.float32(np.nan), event.barrel.time))
    unknown = (99, 1, np.float32(5), np.float32(0))
    barrel = barrel._make(np.append(old, new) for old, new in zip(barrel, unknown, strict=True))
    changed = event._replace(barrel=barrel)
    write_events(tmp_path / "events.txt", [changed])
    log = job(tmp_path, "--crops", "crops.onnx", file=tmp_path / "events.txt")
    status = np.load(tmp_path / "crops_table.npy")[:, 5]
    assert status[picture.chosen[0]] == Status.NOT_FINITE
    np.testing.assert_array_equal(status, real_events.make_pictures(CROPS, changed).status)
    assert "1 hits have detector ids of no crystal or tower" in log
