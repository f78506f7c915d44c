"""ParticleViTMonitor in a cmsRun job over real events: its histograms hold what the images hold."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import real_events

from RecoE2E.ParticleViT.geometry.candidates import Status
from RecoE2E.ParticleViT.geometry.event_files import write_events
from RecoE2E.ParticleViT.inference import cmsrun

uproot = pytest.importorskip("uproot")
CONFIG = Path(__file__).resolve().parents[1] / "scoreEvents_cfg.py"
NAMES = ("crops", "jets")


@pytest.fixture(scope="module")
def run(shared_data, tmp_path_factory):
    """`run(folder, *options)` runs the job that monitors, and returns its exit code and log."""
    if shutil.which("cmsRun") is None:
        pytest.skip("no CMSSW: cmsRun is not on PATH")
    inputs = tmp_path_factory.mktemp("inputs")
    models = real_events.write_models(inputs / "models")
    write_events(inputs / "events.txt", real_events.read_events(shared_data))

    def start(folder: Path, *options: object) -> tuple[int, str]:
        words = ["cmsRun", CONFIG, "--", "--events", inputs / "events.txt", "--monitor", folder, *options]
        done = subprocess.run(
            [str(word) for word in words],
            env=cmsrun.job_environment(models),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        log = done.stdout + done.stderr
        if "Unable to find plugin 'ParticleViT" in log:
            pytest.skip("the package's modules are not built in this CMSSW area")
        return done.returncode, log

    return start


@pytest.fixture(scope="module")
def made(run, tmp_path_factory) -> Path:
    """Folder with the histograms, and the images and the table that they were filled from."""
    folder = tmp_path_factory.mktemp("made")
    code, log = run(
        folder, "--output", folder, "--crops", "crops.onnx", "--jets", "jets.onnx", "--threads", 2
    )
    assert code == 0, log[-3000:]
    return folder


def content(folder: Path, name: str):
    """Return the histograms, the metadata, the images and the rows of the candidates of one model."""
    histograms = uproot.open(folder / f"{name}_monitor.root")[f"{name}Monitor/reduced"]
    images, table = (np.load(folder / f"{name}_{what}.npy") for what in ("images", "table"))
    return histograms, json.loads(str(histograms["metadata"])), images, table


@pytest.mark.parametrize("name", NAMES)
def test_sums_of_all_images(made, name):
    histograms, metadata, images, table = content(made, name)
    assert metadata["version"] == 1
    assert (metadata["label"], metadata["tier"]) == (f"{name}Monitor", "reduced")
    scored = (table[:, -1] == Status.SCORED).sum()
    events = len(np.unique(table[:, 0]))
    found = histograms["counts"].values().tolist()
    assert found[1:] == [len(table), len(images), scored]
    assert found[0] >= events > 50
    for number, channel in enumerate(metadata["channels"]):
        layer = images[:, number].astype(np.float64)
        title = channel["name"]
        sums = histograms[f"image_{title}"]
        np.testing.assert_allclose(sums.values().T, layer.sum(0), rtol=1e-12)
        np.testing.assert_allclose(sums.variances().T, (layer**2).sum(0), rtol=1e-12)
        np.testing.assert_array_equal(histograms[f"cells_{title}"].values().T, (layer != 0).sum(0))
        for quantity, values in (
            ("occupancy", (layer != 0).sum((1, 2))),
            ("total", layer.sum((1, 2))),
        ):
            histogram = histograms[f"{quantity}_{title}"]
            edges = np.concatenate([[-np.inf], histogram.axis().edges(), [np.inf]])
            expected = np.histogram(values, edges)[0]
            assert np.abs(histogram.values(flow=True) - expected).sum() <= 2  # sums that round to an edge
            assert histogram.values(flow=True).sum() == len(images)


@pytest.mark.parametrize("name", NAMES)
def test_scores_and_status_are_those_of_the_value_maps(made, name):
    histograms, metadata, _, table = content(made, name)
    status = histograms["status"].values()
    np.testing.assert_array_equal(status, np.bincount(table[:, -1].astype(int), minlength=len(status)))
    for number, word in enumerate(metadata["classes"]):
        scores = table[table[:, -1] == Status.SCORED, 2 + number]
        histogram = histograms[f"score_{word}"]
        edges = histogram.axis().edges()
        np.testing.assert_array_equal(histogram.values(), np.histogram(scores, edges)[0])
    per_event = np.unique(table[:, 0], return_counts=True)[1]
    found = histograms["candidates"].values(flow=True)
    assert found[-1] == (per_event > 63).sum()
    assert found.sum() == histograms["counts"].values()[0]


def test_bad_tiers_and_folders_are_named(run, tmp_path):
    code, log = run(tmp_path / "absent", "--crops", "crops.onnx")
    assert code
    assert "crops_monitor.root; is its folder there?" in log
    code, log = run(tmp_path, "--crops", "crops.onnx", "--tier", "aod")
    assert code
    assert "tier is 'aod', expected one of [full, reduced, mini, particles]" in log
