"""How far the scores of one export spread over versions of the library and processors: a number to quote."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..auc import auc
from ..inference.manifest import verified_file
from ..inference.predictors import BackendUnavailableError
from ..inference.scoring import proof_split
from ..recipe import resource
from .environments import SCORE_ONNX, SCORE_TORCH, onnxruntime_python, score_elsewhere
from .targets import DEFAULT_TARGET, TARGETS

if TYPE_CHECKING:
    from ..inference.run import Run

Images = NDArray[np.float32]
_TABLE = "{:<22}{:<18}{:<18}{:>7}{:>10}{:>11}{:>15}"
HEADER = ("library", "kernels", "releases", "events", "AUC", "delta AUC", "largest delta")
LIMIT = "programs/limitKernels.cpp"  # of data/
TORCH_KERNELS = {"AVX-512": ("avx512", "DEFAULT"), "AVX2": ("avx2", "AVX2")}
"""Kernels -> value of ATEN_CPU_CAPABILITY and of ONEDNN_MAX_CPU_ISA."""


class Setting(NamedTuple):
    """One way to score: a library, and the kernels that it may use."""

    library: str
    version: str
    kernels: str
    program: str
    python: str = ""
    """The Python; empty: made for the version."""
    environment: dict[str, str] = {}  # noqa: RUF012


class Row(NamedTuple):
    """What one setting gave."""

    library: str
    version: str
    kernels: str
    releases: str
    events: int
    auc: float
    auc_difference: float
    """From the reference on the same events."""
    max_abs_difference: float
    """Largest difference of a score from the reference."""


class Spread(NamedTuple):
    """All settings that could be tried, and why others could not."""

    rows: list[Row]
    unavailable: dict[str, str]

    @property
    def max_abs_difference(self) -> float:
        """Largest difference of a score between the reference and any setting."""
        return max(row.max_abs_difference for row in self.rows)

    @property
    def auc_difference(self) -> float:
        """Largest difference of the AUC, without sign."""
        return max(abs(row.auc_difference) for row in self.rows)


def versions() -> dict[str, list[str]]:
    """Return the versions of ONNX Runtime that load exports, with the release cycles that have each."""
    cycles = list(TARGETS)
    found: dict[str, list[str]] = {}
    for cycle in cycles[cycles.index(DEFAULT_TARGET) :]:
        found.setdefault(TARGETS[cycle].onnxruntime, []).append(cycle)
    return found


def measure_spread(
    models: dict[str, Path],
    images: Images,
    labels: NDArray[np.int64],
    environments: Path,
) -> Spread:
    """Score the same events with every setting; the reference is the onnxruntime of this environment.

    Args:
        models: exported files by kind; onnx, and torchscript where there is one.
        images: raw images (N, C, H, W).
        labels: true classes (N,).
        environments: folder of the environments, which are made where missing.

    Raises:
        DeploymentError: a library fails on the model.
    """
    rows: list[Row] = []
    unavailable: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        file, scores = Path(name) / "images.npy", Path(name) / "scores.npy"
        np.save(file, np.ascontiguousarray(images, dtype=np.float32))
        limited: Path | None = None
        try:
            limited = kernel_limit(Path(name))
        except BackendUnavailableError as error:
            unavailable["onnxruntime with AVX2"] = str(error)
        expected: Images | None = None
        for setting in settings("torchscript" in models, limited):
            model = models["torchscript" if setting.library == "torch" else "onnx"]
            try:
                python = setting.python or onnxruntime_python(setting.version, environments)
            except BackendUnavailableError as error:
                unavailable[f"{setting.library} {setting.version}"] = str(error)
                continue
            found = score_elsewhere(python, setting.program, model, file, scores, setting.environment)
            expected = found if expected is None else expected
            rows.append(_row(setting, labels, found, expected))
    return Spread(rows, unavailable)


def spread_of_run(run: Run, store: Path | None, limit: int, environments: Path) -> Spread:
    """Measure the spread of a run's exports on the events of its proof; see `measure_spread`.

    Args:
        run: run folder with an export.
        store: store whose test split is scored; None: the one of the training.
        limit: most events; 0: all.
        environments: folder of the environments.

    Raises:
        RunError, DeploymentError, ModelError, StoreError: something is missing, damaged or does not fit.
    """
    manifest = run.manifest
    kinds = [kind for kind in ("onnx", "torchscript") if manifest.exported(kind) is not None]
    models = {kind: verified_file(run.manifest_file, manifest, kind) for kind in kinds}
    events = run.events(store)
    split = proof_split(events)
    blocks = list(events.blocks(split, limit))
    labels = np.concatenate([truth for _, truth, _ in blocks])
    return measure_spread(models, np.concatenate([images for images, _, _ in blocks]), labels, environments)


def to_json(spread: Spread) -> dict[str, Any]:
    """Return the content of spread.json."""
    return {
        "max_abs_difference": spread.max_abs_difference,
        "auc_difference": spread.auc_difference,
        "rows": [row._asdict() for row in spread.rows],
        "unavailable": spread.unavailable,
    }


def settings(with_torch: bool, limited: Path | None = None) -> Iterator[Setting]:
    """Yield all settings to try, the reference first.

    Args:
        with_torch: whether there is a TorchScript file.
        limited: library that limits kernels to AVX2; None: onnxruntime takes the widest only.
    """
    here = version("onnxruntime")
    kernels: dict[str, dict[str, str]] = {widest_kernels(): {}}
    if limited is not None:
        kernels.setdefault("AVX2", {"LD_PRELOAD": str(limited)})
    for number in (here, *(number for number in versions() if number != here)):
        python = sys.executable if number == here else ""
        for name, environment in kernels.items():
            yield Setting("onnxruntime", number, name, SCORE_ONNX, python, environment)
    if with_torch:
        for name, (capability, dnn) in TORCH_KERNELS.items():
            if name == "AVX-512" and widest_kernels() != name:
                continue
            environment = {"ATEN_CPU_CAPABILITY": capability, "ONEDNN_MAX_CPU_ISA": dnn}
            yield Setting("torch", version("torch"), name, SCORE_TORCH, sys.executable, environment)


def kernel_limit(folder: Path) -> Path:
    """Return a library that, preloaded, hides all instructions after AVX2; onnxruntime has no switch for it.

    Args:
        folder: where it is built.

    Raises:
        BackendUnavailableError: no C++ compiler, or the machine cannot hide instructions.
    """
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        raise BackendUnavailableError("cannot be chosen without a C++ compiler: apt-get install g++")
    library = folder / "limitKernels.so"
    command = [compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-o", str(library), str(resource(LIMIT))]
    preloaded = ["env", f"LD_PRELOAD={library}", sys.executable, "-c", ""]
    for words in (command, preloaded):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = " ".join(done.stderr.split())[-200:] or f"exit code {done.returncode}"
            raise BackendUnavailableError(f"cannot be chosen on this machine ({reason})")
    return library


def widest_kernels() -> str:
    """Return the widest vector instructions of this processor that the libraries have kernels for."""
    path = Path("/proc/cpuinfo")
    flags = path.read_text(encoding="utf-8") if path.is_file() else ""
    for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")):
        if flag in flags:
            return name
    return platform.machine()


def _row(setting: Setting, labels: NDArray[np.int64], found: Images, expected: Images) -> Row:
    value, reference = auc(labels, found).value, auc(labels, expected).value
    cycles = [cycle.removeprefix("CMSSW_") for cycle in versions().get(setting.version, [])]
    return Row(
        setting.library,
        setting.version,
        setting.kernels,
        f"{cycles[0]} to {cycles[-1]}" if len(cycles) > 1 else "".join(cycles) or "this environment",
        len(labels),
        value,
        value - reference,
        float(np.abs(found.astype(np.float64) - expected).max()),
    )


def table(spread: Spread) -> str:
    """Return the spread as a table for the terminal, with the sentence to quote."""
    lines = [_TABLE.format(*HEADER)]
    lines += [
        _TABLE.format(
            *(f"{row.library} {row.version}", row.kernels, row.releases, row.events),
            *(f"{row.auc:.6f}", f"{row.auc_difference:+.1e}", f"{row.max_abs_difference:.1e}"),
        )
        for row in spread.rows
    ]
    lines += [f"{name}: {reason}" for name, reason in spread.unavailable.items()]
    lines.append(
        f"over {len(spread.rows)} settings a score changes by at most {spread.max_abs_difference:.1e} "
        f"and the AUC by {spread.auc_difference:.1e}"
    )
    return "\n".join(lines)


def default_environments() -> Path:
    """Return the folder of environments: $PARTICLEVIT_RELEASES, else one in the user's cache."""
    named = os.environ.get("PARTICLEVIT_RELEASES")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(named) if named else Path(cache) / "particlevit" / "releases"
