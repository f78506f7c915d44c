import json

import numpy as np
import pytest

from RecoE2E.ParticleViT.deployment import export_run, validate_run
from RecoE2E.ParticleViT.errors import RunError
from RecoE2E.ParticleViT.evaluation import calibration, evaluate_run
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.store import open_store


@pytest.fixture
def honest():
    """Events whose probabilities are what they say."""
    rng = np.random.default_rng(0)
    signal = rng.beta(0.5, 0.5, 40_000)
    labels = (rng.random(len(signal)) < signal).astype(np.int64)
    return labels, np.stack([1 - signal, signal], axis=1)


def test_honest_probabilities_are_calibrated(honest):
    assert calibration.calibration_error(*honest) < 0.01
    assert calibration.fit_temperature(*honest) == pytest.approx(1, abs=0.03)
    curve = calibration.reliability(*honest)
    assert np.abs(curve.observed - curve.predicted).max() < 0.04
    assert curve.events.sum() == len(honest[0])


def test_temperature_mends_overconfidence(honest):
    labels, probabilities = honest
    confident = calibration.scale(probabilities, 0.5)
    assert calibration.calibration_error(labels, confident) > 0.03
    temperature = calibration.fit_temperature(labels, confident)
    assert temperature == pytest.approx(2, rel=0.05)
    assert calibration.calibration_error(labels, calibration.scale(confident, temperature)) < 0.01


def test_the_temperature_is_part_of_evaluation_and_exports(small_run, small_store, tmp_path):
    import shutil

    run = shutil.copytree(small_run, tmp_path / "run")
    images = open_store(small_store).read("test").images
    plain = load_run(run).predict(images)
    evaluate_run(run, calibrate=True)
    temperature = json.loads((run / "calibration.json").read_text())["temperature"]
    expected = calibration.scale(plain, temperature)
    assert np.abs(load_run(run).predict(images) - expected).max() < 1e-5
    export_run(run)
    assert np.abs(load_run(run, "onnx").predict(images) - expected).max() < 1e-5
    assert validate_run(run, backends=("onnx", "torchscript")).passed

    (run / "calibration.json").write_text('{"temperature": -1}')
    with pytest.raises(RunError, match=r"temperature -1.0 must be above 0"):
        load_run(run)
