"""Load a run for prediction, on any backend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DeploymentError, suggest
from .manifest import read_manifest, verified_file
from .predictors import (
    Predictor,
    check_device,
    compiled_module,
    load_onnx,
    load_torchscript,
    torch_scorer,
)
from .programs import PROGRAMS, program_predictor
from .triton import TIMEOUT, parse_url, triton_predictor

if TYPE_CHECKING:
    from .run import Model

PYTHON_BACKENDS = ("eager", "compiled")
FILE_BACKENDS = ("torchscript", "onnx", "onnx_int8")
BACKENDS = (*PYTHON_BACKENDS, *FILE_BACKENDS, *PROGRAMS)


def load_run(
    run: str | Path,
    backend: str = "eager",
    threads: int | None = None,
    device: str = "cpu",
    timeout: float = TIMEOUT,
) -> Predictor:
    """Return the model of a run, ready to predict.

    Args:
        run: run folder, or for exported files a folder with model.json.
        backend: eager or compiled (PyTorch), torchscript, onnx or onnx_int8 (the exported
            files), cpp_onnx, cpp_torch or cmsrun (the exported files in C++), or the address of a Triton
            server that runs it (http://HOST:PORT/MODEL; MODEL by default the run folder's name).
        threads: threads of onnxruntime; None: one per core. PyTorch's are set by torch.set_num_threads.
        device: cpu or cuda.
        timeout: seconds that a server may take to answer.

    Raises:
        RunError, ModelError: no checkpoint, or a torn one.
        DeploymentError: unknown backend, no export, or exported files that cannot be trusted or loaded.
    """
    run = Path(run)
    if "://" in backend:
        served = parse_url(backend, run.resolve().name, timeout)
        return triton_predictor(served, read_manifest(run))
    if backend not in BACKENDS:
        raise DeploymentError(f"unknown backend '{backend}'; {suggest(backend, BACKENDS)}")
    if device != "cpu":
        check_device(device)
    if backend in PYTHON_BACKENDS:
        return _load_python(run, backend, device)
    return _load_file(run, backend, threads, device)


def _load_python(run: Path, backend: str, device: str) -> Predictor:
    from .manifest import describe
    from .run import trained_network

    network = trained_network(run).to(device)
    module = compiled_module(network) if backend == "compiled" else network
    score = torch_scorer(module, device)
    return Predictor(backend, network.image, list(network.classes), score, describe(network, run))


def network_predictor(network: Model) -> Predictor:
    """Return the predictor of a network that is in memory, in evaluation mode, on the CPU."""
    return Predictor("eager", network.image, list(network.classes), torch_scorer(network))


def _load_file(run: Path, backend: str, threads: int | None, device: str) -> Predictor:
    from ..store import ImageSpec

    manifest: dict[str, Any] = read_manifest(run)
    if backend in PROGRAMS:
        path = verified_file(run, manifest, PROGRAMS[backend][1])
        return program_predictor(backend, path, manifest)
    path = verified_file(run, manifest, backend)
    if backend == "torchscript":
        score = load_torchscript(path, device)
    else:
        score = load_onnx(path, manifest, threads, device)
    return Predictor(
        backend, ImageSpec.from_dict(manifest["image"]), list(manifest["classes"]), score, manifest
    )
