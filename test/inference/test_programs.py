import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.deployment import validate_run
from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference import programs
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError
from RecoE2E.ParticleViT.store import open_store

ROOT = Path(__file__).resolve().parents[2]


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
    with pytest.raises(BackendUnavailableError, match="scoreOnnx is neither in .* build it: cmake"):
        load_run(exported_run, "cpp_onnx")


@pytest.mark.needs("g++", "cmake", "libtorch")
def test_the_lines_of_the_documents_build_the_programs(exported_run, tmp_path, monkeypatch):
    """Those of plugins/README.md and of the hint, with this Python on PATH; configured, not compiled."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv(programs.FOLDER, str(tmp_path))
    with pytest.raises(BackendUnavailableError) as error:
        load_run(exported_run, "cpp_onnx")
    hint = str(error.value).partition("build it: ")[2]
    readme = (ROOT / "plugins/README.md").read_text().partition("<!-- programs -->\n```bash\n")[2]
    for number, line in enumerate((readme.splitlines()[0], hint)):
        configure = line.partition(" && ")[0].replace("build/programs", str(tmp_path / str(number)))
        said = subprocess.run(shlex.split(configure), cwd=ROOT, capture_output=True, text=True, check=True)
        listed = subprocess.run(
            ["cmake", "--build", str(tmp_path / str(number)), "--target", "help"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert {"makeImages", "scoreTorch"} <= set(re.findall(r"\w+", listed))
        assert ("scoreOnnx" in listed) != ("scoreOnnx is not built: ONNX Runtime's" in said.stdout)


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
