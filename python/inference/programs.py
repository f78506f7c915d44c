"""The C++ programs of data/programs as backends: the exported files, scored without Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeploymentError
from ..recipe import resource
from .manifest import Manifest
from .predictors import BackendUnavailableError, Images, Predictor

PROGRAMS = {
    "cpp_onnx": ("scoreOnnx", "onnx"),
    "cpp_torch": ("scoreTorch", "torchscript"),
    "cmsrun": ("cmsRun", "onnx"),
    "cmsrun_2_threads": ("cmsRun", "onnx"),
}
"""Backend -> (program, kind of file that it loads); cmsRun runs the producers of this package."""
CMSRUN_THREADS = {"cmsrun": 1, "cmsrun_2_threads": 2}
"""Backend -> threads and streams of the job."""
FOLDER = "PARTICLEVIT_PROGRAMS"  # environment variable: where the programs were built


def find_program(backend: str, area: Path | None = None) -> Path:
    """Return the program of a backend, from the folder in $PARTICLEVIT_PROGRAMS or from PATH.

    Args:
        backend: one of PROGRAMS.
        area: CMSSW area that cmsRun is run in; None: the environment of this process.

    Raises:
        BackendUnavailableError: it was not built.
    """
    name = PROGRAMS[backend][0]
    if backend in CMSRUN_THREADS:
        from .cmsrun import find_cmsrun

        return Path(find_cmsrun(area)[0])
    folder = os.environ.get(FOLDER)
    found = shutil.which(name, path=folder) if folder else shutil.which(name)
    if found is None:
        source = resource("programs/CMakeLists.txt").parent
        raise BackendUnavailableError(
            f"backend {backend}: {name} is neither in ${FOLDER} nor on PATH; build it: cmake -S {source} -B "
            f"build/programs && cmake --build build/programs && export {FOLDER}=build/programs"
        )
    return Path(found)


@dataclass(frozen=True)
class ProgramPredictor(Predictor):
    """A model that a C++ program loads, one thread, for each call of `predict` anew."""

    program: Path = Path()
    model: Path = Path()

    def run(self, images: Images, batch_size: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Return the scores (N, K) and what the program measured: latency per call, peak memory.

        Raises:
            DeploymentError: the program fails; its message is passed on.
        """
        with tempfile.TemporaryDirectory() as name:
            raw, scores = Path(name) / "images.npy", Path(name) / "scores.npy"
            np.save(raw, np.ascontiguousarray(images, dtype=np.float32))
            command = [str(part) for part in (self.program, self.model, raw, scores, batch_size)]
            one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=one_thread)
            if done.returncode:
                reason = " ".join(done.stderr.split())[:300] or f"exit code {done.returncode}"
                raise DeploymentError(f"{self.program.name}: {reason}; build it again")
            return np.load(scores), dict(json.loads(done.stdout))

    def predict(self, images: NDArray[Any], batch_size: int = 512) -> NDArray[np.float32]:
        """Return the probabilities (N, K) of raw images (N, C, H, W); see `Predictor.predict`."""
        images = self.checked(images)
        if len(images) == 0:
            return np.empty((0, len(self.classes)), np.float32)
        return self.run(images, min(batch_size, len(images)))[0]


@dataclass(frozen=True)
class CmsrunPredictor(ProgramPredictor):
    """A model that the producers of this package run in a cmsRun job."""

    area: Path | None = None
    """CMSSW area of the job; None: the environment of this process."""

    def run(self, images: Images, batch_size: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Return the scores (N, K) and what the job measured; `batch_size` images make an event."""
        from .cmsrun import score_with_cmsrun

        scores, latency, memory = score_with_cmsrun(
            self.model.parent,
            images,
            threads=CMSRUN_THREADS[self.backend],
            model=self.model.name,
            images_per_event=batch_size,
            area=self.area,
        )
        return scores, {"latency_ms": latency, "peak_rss_mb": memory["peak"]}


def program_predictor(backend: str, path: Path, like: Manifest, area: Path | None = None) -> ProgramPredictor:
    """Return the predictor of a C++ program.

    Args:
        backend: one of PROGRAMS.
        path: exported file, its checksum verified.
        like: content of model.json.
        area: CMSSW area that cmsRun is run in; None: the environment of this process.

    Raises:
        BackendUnavailableError: the program was not built.
        DeploymentError: the area cannot run this package.
    """
    program = find_program(backend, area)

    def score(images: Images) -> NDArray[np.float32]:
        return predictor.predict(images)

    about = (backend, like.image, list(like.classes), score, program, path)
    is_cmsrun = backend in CMSRUN_THREADS
    predictor = CmsrunPredictor(*about, area) if is_cmsrun else ProgramPredictor(*about)
    return predictor
