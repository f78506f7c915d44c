import os
import stat

import numpy as np
import pytest

from RecoE2E.ParticleViT.deployment import validate_run
from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference import programs
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError
from RecoE2E.ParticleViT.store import open_store


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("cpp_onnx", marks=pytest.mark.needs("ONNX Runtime's headers")),
        pytest.param("cpp_torch", marks=pytest.mark.needs("libtorch")),
    ],
)
def test_built_programs_agree_with_python(exported_run, small_store, backend, cpp_build, monkeypatch):
    monkeypatch.setenv(programs.FOLDER, str(cpp_build))
    predictor = load_run(exported_run, backend)
    images = open_store(small_store).read("test").images
    expected = load_run(exported_run).predict(images)
    for size in (1, 7, 64):
        assert np.abs(predictor.predict(images, batch_size=size) - expected).max() <= 1e-5


def test_a_program_that_was_not_built_is_named(exported_run, tmp_path, monkeypatch):
    monkeypatch.setenv(programs.FOLDER, str(tmp_path))
    with pytest.raises(BackendUnavailableError, match="scoreOnnx is neither in .* build it as"):
        load_run(exported_run, "cpp_onnx")


def test_a_failing_program_passes_its_message_on(own_run, tmp_path, monkeypatch):
    program = tmp_path / "scoreOnnx"
    program.write_text("#!/bin/sh\necho 'libonnxruntime.so.1 not found' >&2\nexit 2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(programs.FOLDER, str(tmp_path) + os.pathsep)
    predictor = load_run(own_run, "cpp_onnx")
    assert predictor.predict(np.zeros((0, 2, 24, 24))).shape == (0, 2)
    with pytest.raises(DeploymentError, match=r"scoreOnnx: libonnxruntime.so.1 not found; build it again"):
        predictor.predict(np.zeros((1, 2, 24, 24)))
    with pytest.raises(DeploymentError, match="libonnxruntime"):
        validate_run(own_run, backends=("cpp_onnx",))
