"""Load a run for prediction, on any backend."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DeploymentError, suggest
from .manifest import verified_file
from .predictors import (
    Predictor,
    check_device,
    compiled_module,
    load_onnx,
    load_torchscript,
    torch_scorer,
)
from .programs import PROGRAMS, program_predictor
from .run import Run, as_run
from .sofie import SOFIE, sofie_predictor
from .triton import TIMEOUT, parse_url, triton_predictor

if TYPE_CHECKING:
    from .run import Model

PYTHON_BACKENDS = ("eager", "compiled")
FILE_BACKENDS = ("torchscript", "onnx", "onnx_int8")
STD_BACKENDS = ("eager", "onnx")
BACKENDS = (*PYTHON_BACKENDS, *FILE_BACKENDS, *PROGRAMS, SOFIE)


def load_run(
    run: str | Path | Run,
    backend: str = "eager",
    threads: int | None = None,
    device: str = "cpu",
    timeout: float = TIMEOUT,
    cmssw: Path | None = None,
    std: bool = False,
) -> Predictor:
    """Return the model of a run, ready to predict.

    Args:
        run: run folder, or for exported files a folder with model.json.
        backend: eager or compiled (PyTorch), torchscript, onnx or onnx_int8 (the exported
            files), cpp_onnx, cpp_torch or cmsrun (the exported files in C++), sofie (code that ROOT
            writes from the ONNX file), or the address of a Triton server that runs it
            (http://HOST:PORT/MODEL; MODEL by default the run folder's name).
        threads: threads of onnxruntime; None: one per core. PyTorch's are set by torch.set_num_threads.
        device: cpu or cuda.
        timeout: seconds that a server may take to answer.
        cmssw: CMSSW area that cmsrun is run in; None: the environment of this process.
        std: return the standard deviation over an ensemble's members, too; eager and onnx can.

    Raises:
        RunError, ModelError: no checkpoint, or a torn one.
        DeploymentError: unknown backend, no export, or exported files that cannot be trusted or loaded.
    """
    run = as_run(run)
    if std and backend not in STD_BACKENDS:
        raise DeploymentError(f"backend '{backend}' gives no std; choose {' or '.join(STD_BACKENDS)}")
    if "://" in backend:
        return triton_predictor(parse_url(backend, run.name, timeout), run.manifest)
    if backend not in BACKENDS:
        raise DeploymentError(f"unknown backend '{backend}'; {suggest(backend, BACKENDS)}")
    if device != "cpu":
        check_device(device)
    if backend in PYTHON_BACKENDS:
        return _load_python(run, backend, device, std)
    if backend in PROGRAMS:
        path = verified_file(run.manifest_file, run.manifest, PROGRAMS[backend][1])
        return program_predictor(backend, path, run.manifest, cmssw)
    if backend == SOFIE:
        return sofie_predictor(verified_file(run.manifest_file, run.manifest, "onnx"), run.manifest)
    return _load_file(run, backend, threads, device, std)


def _load_python(run: Run, backend: str, device: str, std: bool) -> Predictor:
    network = run.network if device == "cpu" else copy.deepcopy(run.network).to(device)
    if std:
        from ..models.ensemble import SideBySide, WithStd

        scorer = torch_scorer(SideBySide(WithStd(network)).eval(), device)
        return Predictor(backend, network.image, list(network.classes), scorer, std=True)
    module = compiled_module(network) if backend == "compiled" else network
    return Predictor(backend, network.image, list(network.classes), torch_scorer(module, device))


def network_predictor(network: Model) -> Predictor:
    """Return the predictor of a network that is in memory, in evaluation mode, on the CPU."""
    return Predictor("eager", network.image, list(network.classes), torch_scorer(network))


def _load_file(run: Run, backend: str, threads: int | None, device: str, std: bool) -> Predictor:
    manifest = run.manifest
    path = verified_file(run.manifest_file, manifest, backend)
    if backend == "torchscript":
        score = load_torchscript(path, device)
    else:
        if std and not manifest.std:
            raise DeploymentError(f"{run.manifest_file}: the export gives no std; export with --std")
        names = [name for name in (manifest.input, manifest.output, manifest.std) if name]
        score = load_onnx(path, threads, device, names, wanted=2 if std else 1)
    return Predictor(backend, manifest.image, list(manifest.classes), score, std=std)
