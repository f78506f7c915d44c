"""Python environments with the libraries of CMSSW releases, to score exports with what a release has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DeploymentError
from ..inference.predictors import BackendUnavailableError

Images = NDArray[np.float32]
SCORE_ONNX = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
images = numpy.load(sys.argv[2], mmap_mode="r")
parts = [numpy.ascontiguousarray(images[i : i + 64]) for i in range(0, len(images), 64)]
name = session.get_inputs()[0].name
numpy.save(sys.argv[3], numpy.concatenate([session.run(None, {name: part})[0] for part in parts]))
"""
SCORE_TORCH = """
import sys, warnings, numpy, torch
warnings.simplefilter("ignore")
torch.set_num_threads(1)
images = numpy.load(sys.argv[2], mmap_mode="r")
parts = [numpy.array(images[i : i + 64]) for i in range(0, len(images), 64)]
module = torch.jit.load(sys.argv[1]).eval()
with torch.inference_mode():
    scores = [numpy.array(module(torch.tensor(part.tolist())).tolist(), numpy.float32) for part in parts]
numpy.save(sys.argv[3], numpy.concatenate(scores))
"""
"""Programs for other Pythons: model, images (.npy), scores (.npy). torch's needs no NumPy of its own age."""


def onnxruntime_python(version: str, folder: Path) -> Path:
    """Return a Python that has this version of ONNX Runtime, in FOLDER/VERSION, which is made where missing.

    Raises:
        BackendUnavailableError: no Python here for that version, or it cannot be installed.
    """
    python = folder / version / "bin" / "python"
    if python.exists():
        return python
    base = _base_python(version)
    numpy = "numpy<2" if _numbers(version) < (1, 19) else "numpy"
    try:
        subprocess.run([base, "-m", "venv", folder / version], check=True, capture_output=True)
        command = [str(python), "-m", "pip", "install", "--quiet", f"onnxruntime=={version}", numpy]
        subprocess.run(command, capture_output=True, text=True, check=True)
    except BaseException as error:
        shutil.rmtree(folder / version, ignore_errors=True)
        if isinstance(error, subprocess.CalledProcessError):
            reason = " ".join(str(error.stderr).split())[-200:]
            raise BackendUnavailableError(f"onnxruntime {version}: cannot be installed ({reason})") from error
        raise
    return python


def _base_python(version: str) -> str:
    """Return the Python that makes the environment: onnxruntime before 1.17 has no wheel after 3.10."""
    if _numbers(version) >= (1, 17):
        return sys.executable
    managed = sorted(Path.home().glob(".pyenv/versions/3.10*/bin/python"))
    found = str(managed[0]) if managed else shutil.which("python3.10")
    if found is None:
        raise BackendUnavailableError(f"onnxruntime {version}: needs Python 3.10, which is not here")
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def score_elsewhere(
    python: Path | str,
    program: str,
    model: Path,
    images: Path,
    scores: Path,
    environment: dict[str, str] | None = None,
) -> Images:
    """Return the probabilities (N, K) that another Python computes.

    Args:
        python: the Python.
        program: SCORE_ONNX or SCORE_TORCH.
        model: exported file.
        images: .npy file of raw images (N, C, H, W).
        scores: .npy file that is written.
        environment: variables besides those of this process.

    Raises:
        DeploymentError: the program fails; its last words are passed on.
    """
    command = [str(python), "-c", program, str(model), str(images), str(scores)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    if done.returncode:
        reason = " ".join(done.stderr.split())[-300:] or f"exit code {done.returncode}"
        raise DeploymentError(f"{model} in {python}: {reason}")
    found: Images = np.load(scores)
    return found
