"""cmsRun as a backend: an export scored inside of the CMS framework by data/programs/scoreImages_cfg.py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DeploymentError
from ..recipe import resource
from .predictors import BackendUnavailableError

CONFIG = "programs/scoreImages_cfg.py"  # of data/
CMSSET = Path("/cvmfs/cms.cern.ch/cmsset_default.sh")
IN_AREA = f"""
models=$CMSSW_SEARCH_PATH data=$CMSSW_DATA_PATH area=$1
shift
command -v scram > /dev/null || . {CMSSET}
settings=$(cd "$area/src" && scram runtime -sh) || exit
eval "$settings"
export CMSSW_SEARCH_PATH=$CMSSW_SEARCH_PATH:$models CMSSW_DATA_PATH=$data
exec "$@"
"""
"""Runs a command in the environment of a CMSSW area, as cmsenv makes it."""
OF_THIS_PYTHON = ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
WARM_UP_EVENTS = 20  # the first calls allocate memory and optimise
SAMPLE_SECONDS = 0.02
_MODULE_TIME = re.compile(r"^TimeModule> (\d+) \d+ scores \S+ (\S+)$", re.MULTILINE)
_MESSAGE = re.compile(r"Exception Message:\n(.*?)\n(?:   Additional|----- End)", re.DOTALL)


def score_with_cmsrun(
    model_dir: Path,
    images: NDArray[np.float32],
    threads: int = 1,
    model: str = "model.onnx",
    images_per_event: int = 1,
    area: Path | None = None,
) -> tuple[NDArray[np.float32], dict[str, float], dict[str, float]]:
    """Score raw images with the producers of this package in a cmsRun job.

    Args:
        model_dir: folder with the export and its description (model.json).
        images: (N, C, H, W) in physical units.
        threads: threads and streams of the job.
        model: file of the export; .onnx runs in ParticleViTONNXProducer, .pt in ParticleViTTorchProducer.
        images_per_event: candidates of an event; they are scored in one call.
        area: CMSSW area whose release runs the job; None: the environment of this process.

    Returns:
        The probabilities (N, K); the time of the producer per event in ms (median, p95, mean, without
        the first events); the resident memory of the job in MB (quarter: after a quarter of it, end, peak).

    Raises:
        BackendUnavailableError: no cmsRun, or it does not know the plugins of this package.
        DeploymentError: the job fails; its message is passed on.
    """
    program = find_cmsrun(area)
    with tempfile.TemporaryDirectory() as name:
        raw, scores, log = (Path(name) / file for file in ("images.npy", "scores.npy", "cmsRun.log"))
        np.save(raw, np.ascontiguousarray(images, dtype=np.float32))
        options = {
            "--images": raw,
            "--scores": scores,
            "--model": model,
            "--threads": threads,
            "--images-per-event": images_per_event,
            "--max-images-per-call": images_per_event,
        }
        command = [
            *program,
            str(resource(CONFIG)),
            "--",
            "--timing",
            *(str(w) for pair in options.items() for w in pair),
        ]
        environment = job_environment(model_dir.resolve(), clean=area is not None)
        code, memory = run_sampled(command, log, environment)
        text = log.read_text(encoding="utf-8", errors="replace")
        if code:
            raise job_error(text, code)
        return np.load(scores), latency(text), memory


def find_cmsrun(area: Path | None = None) -> list[str]:
    """Return the command that is cmsRun.

    Args:
        area: CMSSW area, whose environment it gets; None: the one on PATH.

    Raises:
        BackendUnavailableError: it is not on PATH.
        DeploymentError: the area is none, has not this package, or there is no scram to enter it.
    """
    if area is not None:
        check_area(area)
        return ["bash", "-c", IN_AREA, "cmsRun", str(area.resolve()), "cmsRun"]
    program = shutil.which("cmsRun")
    if program is None:
        raise BackendUnavailableError(
            "backend cmsrun: cmsRun is not on PATH; run in a CMSSW area after cmsenv, or name the area "
            "with --cmssw"
        )
    return [program]


def check_area(area: Path) -> str:
    """Return the release of a CMSSW area that can run the producers of this package.

    Raises:
        DeploymentError: no area, one without the package, or no scram to enter it.
    """
    settings = area / ".SCRAM" / "Environment"
    if not settings.is_file():
        raise DeploymentError(f"{area}: not a CMSSW area, {settings} is missing; make one with cmsrel")
    found = re.search(r"^SCRAM_PROJECTVERSION=(\S+)$", settings.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise DeploymentError(f"{settings}: names no SCRAM_PROJECTVERSION; make the area anew with cmsrel")
    package = area / "src" / "RecoE2E" / "ParticleViT"
    if not (package / "plugins").is_dir():
        raise DeploymentError(f"{area}: has no {package}; check the package out there and run scram b")
    if shutil.which("scram") is None and not CMSSET.is_file():
        raise DeploymentError(f"{area}: neither scram on PATH nor {CMSSET}; run where CMSSW is installed")
    return found[1]


def job_environment(model_dir: Path, clean: bool = False) -> dict[str, str]:
    """Return the environment in which edm::FileInPath finds the export.

    A folder of CMSSW_SEARCH_PATH must lie within one of the framework's top folders: here CMSSW_DATA_PATH.

    Args:
        model_dir: folder of the export.
        clean: leave out what belongs to this Python, for a job in the environment of another one.
    """
    known = {name: value for name, value in os.environ.items() if not (clean and name in OF_THIS_PYTHON)}
    search = known.get("CMSSW_SEARCH_PATH", "")
    path = f"{search}:{model_dir}" if search and not clean else str(model_dir)
    return {**known, "CMSSW_SEARCH_PATH": path, "CMSSW_DATA_PATH": str(model_dir.parent)}


def run_sampled(command: list[str], log: Path, environment: dict[str, str]) -> tuple[int, dict[str, float]]:
    """Run a command; return its exit code and its resident memory in MB: quarter, end, peak."""
    samples: list[float] = []
    with log.open("wb") as output:
        job = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            while job.poll() is None:
                samples.append(resident_memory(job.pid))
                time.sleep(SAMPLE_SECONDS)
        finally:
            job.kill()
            job.wait()
    seen = [value for value in samples if value > 0] or [0.0]
    steady = seen[len(seen) // 4], seen[max(len(seen) - 1 - len(seen) // 20, 0)]  # the last ones tear down
    return job.returncode, {"quarter": steady[0], "end": steady[1], "peak": max(seen)}


def resident_memory(process: int) -> float:
    """Return the resident memory of a process in MB, 0 where it cannot be read."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def latency(log: str) -> dict[str, float]:
    """Return median, 95th percentile and mean of the producer's time per event (ms) in the Timing service."""
    times = [float(seconds) for number, seconds in _MODULE_TIME.findall(log) if int(number) > WARM_UP_EVENTS]
    if not times:
        return {}
    milliseconds = 1e3 * np.array(times)
    return {
        "median": float(np.median(milliseconds)),
        "p95": float(np.quantile(milliseconds, 0.95)),
        "mean": float(milliseconds.mean()),
    }


def job_error(log: str, code: int) -> DeploymentError:
    """Return the error that a failed job means."""
    message = _MESSAGE.search(log)
    reason = " ".join((message.group(1) if message else log[-300:]).split())
    if "PluginNotFound" in log or "Unable to find plugin" in log:
        return BackendUnavailableError(f"backend cmsrun: {reason} Build the package with scram b.")
    return DeploymentError(f"cmsRun: {reason or f'exit code {code}'}")
