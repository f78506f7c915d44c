"""The scoring producers inside of cmsRun; without a framework only what is said about its absence."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference import cmsrun
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError


@pytest.fixture(scope="module")
def score(model_dir, images):
    """`score_with_cmsrun`, or skip where there is no cmsRun or the package is not built there."""
    if shutil.which("cmsRun") is None:
        pytest.skip("no CMSSW: cmsRun is not on PATH")
    try:
        cmsrun.score_with_cmsrun(model_dir, images[:1])
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    return cmsrun.score_with_cmsrun


def test_absent_framework_is_said(model_dir, images, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackendUnavailableError, match="cmsRun is not on PATH"):
        cmsrun.score_with_cmsrun(model_dir, images)


def test_log_is_read():
    lines = [f"TimeModule> {i} 1 scores ParticleViTONNXProducer {i * 1e-3}" for i in range(1, 122)]
    found = cmsrun.latency("\n".join(["TimeModule> 50 1 writer X 5", *lines]))
    assert found["median"] == pytest.approx(71)
    assert found["p95"] == pytest.approx(116, abs=0.1)
    log = "An exception\nException Message:\nthe model 'a' expects\n b\n----- End Fatal Exception ---"
    assert str(cmsrun.job_error(log, 1)) == "cmsRun: the model 'a' expects b"
    log = "Exception Message:\nUnable to find plugin 'X'.\n----- End Fatal"
    assert isinstance(cmsrun.job_error(log, 1), BackendUnavailableError)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("model", "candidates"), [("model.onnx", 1), ("model.onnx", 7), ("model.pt", 7)])
def test_scores_agree_with_python(score, model_dir, images, expected, model, candidates, threads):
    try:
        found, latency, memory = score(model_dir, images, threads, model, candidates)
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    assert latency["median"] > 0
    assert memory["peak"] > 0


def test_images_that_are_not_finite_get_no_score(score, model_dir, images, expected):
    bad = images.copy()
    bad[11, 0, 3, 3] = np.nan
    found, _, _ = score(model_dir, bad, 2)
    assert (found[11] == -1).all()
    np.testing.assert_allclose(np.delete(found, 11, 0), np.delete(expected, 11, 0), atol=1e-5, rtol=0)


def test_images_of_the_wrong_length_are_refused(score, model_dir, images):
    with pytest.raises(DeploymentError, match="expected a multiple of 2 x 32 x 32 = 2048"):
        score(model_dir, images[:, :1])


def test_missing_and_corrupt_models_are_refused(score, broken_model, images):
    folder = broken_model()
    (folder / "model.onnx").write_bytes(b"torn")
    with pytest.raises(DeploymentError, match=r"model\.onnx"):
        score(folder, images)
    (folder / "model.onnx").unlink()
    with pytest.raises(DeploymentError, match=r"model\.onnx"):
        score(folder, images)


CONFIG = """
import FWCore.ParameterSet.Config as cms
process = cms.Process("TEST")
process.source = cms.Source(
    "ParticleViTImageSource",
    file=cms.untracked.string("{images}"),
    description=cms.untracked.string("{description}"),
)
process.scores = cms.EDProducer(
    "{producer}",
    images=cms.InputTag("source"),
    model=cms.FileInPath("{model}"),
    backend=cms.string("{backend}"),
)
process.path = cms.Path(process.scores)
"""
DESCRIPTION = (
    "channels [energy (energy, GeV), time (time, ns)], 32 x 32 with the seed at [16, 16], grid crystals, "
    "tier reduced, track position none, jet seed none"
)


def run_config(folder, model_dir, images, **changes):
    """Run a job that scores images; return its log and exit code."""
    np.save(folder / "images.npy", images)
    values = {
        "images": folder / "images.npy",
        "producer": "ParticleViTONNXProducer",
        "model": "model.onnx",
        "description": DESCRIPTION,
        "backend": "cpu",
    }
    config = folder / "test_cfg.py"
    config.write_text(CONFIG.format(**{**values, **changes}))
    environment = cmsrun.job_environment(model_dir)
    done = subprocess.run(
        ["cmsRun", str(config)], capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    return done.stdout + done.stderr, done.returncode


@pytest.mark.parametrize("producer", ["ParticleViTONNXProducer", "ParticleViTTorchProducer"])
def test_images_of_another_seed_are_refused_with_both_sides(score, model_dir, images, tmp_path, producer):
    options = {"producer": producer, "model": "model.onnx" if "ONNX" in producer else "model.pt"}
    log, code = run_config(tmp_path, model_dir, images[:2], **options)
    assert code == 0, log
    other = DESCRIPTION.replace("[16, 16]", "[15, 15]")
    log, code = run_config(tmp_path, model_dir, images[:2], description=other, **options)
    assert code
    assert "the seed at [15, 15]" in log
    assert "but the model takes channels" in log
    assert "the seed at [16, 16]" in log


def test_an_old_or_foreign_model_is_refused_before_the_first_event(score, broken_model, images, tmp_path):
    folder = broken_model(format_version=1)
    log, code = run_config(tmp_path, folder, images[:2])
    assert code
    assert "format_version 1, expected 2; export the run again with this version" in log
    assert "Begin processing" not in log
    description = json.loads((folder / "model.json").read_text())
    description["format_version"] = 2
    description["onnx"]["sha256"] = "0" * 64
    (folder / "model.json").write_text(json.dumps(description))
    log, code = run_config(tmp_path, folder, images[:2])
    assert code
    assert "the file was damaged or exchanged, export the run again" in log
    assert "Begin processing" not in log


def test_images_that_are_not_finite_are_reported_once(score, model_dir, images, tmp_path):
    bad = images[:50].copy()
    bad[10:30] = np.nan
    log, code = run_config(tmp_path, model_dir, bad)
    assert code == 0
    assert log.count("not finite") == 1
    assert "20 images had values that are not finite" in log


@pytest.mark.parametrize("producer", ["ParticleViTONNXProducer", "ParticleViTTorchProducer"])
def test_unknown_and_absent_backends_are_refused_before_the_first_event(
    score, model_dir, images, tmp_path, producer
):
    """Run where there is no GPU; with one, cuda is no error."""
    model = "model.onnx" if "ONNX" in producer else "model.pt"

    def start(backend):
        return run_config(tmp_path, model_dir, images[:2], producer=producer, model=model, backend=backend)

    log, code = start("tpu")
    assert code
    assert "backend is 'tpu', expected one of [auto, cpu, cuda, rocm]" in log
    assert "Begin processing" not in log
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has an NVIDIA GPU")
    for backend in ("cuda", "rocm"):
        log, code = start(backend)
        assert code
        assert f"backend is '{backend}', but " in log
        assert "Begin processing" not in log
    log, code = start("auto")
    assert code == 0, log
