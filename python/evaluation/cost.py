"""What a model costs: operations, parameters, time per layer, latency, throughput and memory."""

from __future__ import annotations

import copy
import multiprocessing
import os
import platform
import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..artefacts import Artefact
from ..inference.latency import measure, percentiles, speedup, torch_threads
from ..inference.manifest import installed_versions
from ..inference.predictors import BackendUnavailableError, Scorer, check_device, torch_scorer
from ..inference.run import Run

if TYPE_CHECKING:
    from torch import nn

    from ..inference.run import Model


@dataclass(frozen=True)
class Machine:
    """Where figures were measured."""

    processor: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]
    gpu: str = ""


@dataclass(frozen=True)
class OperatorTime:
    """Time of one operator in a call of the network."""

    operator: str
    calls: int
    ms: float
    share: float


@dataclass(frozen=True)
class Speed:
    """Latency and throughput of a backend at one batch size."""

    backend: str
    device: str
    threads: int
    batch: int
    latency_ms: dict[str, float]
    """`median` and `p95`."""
    events_per_second: float
    speedup: float
    """How many times faster than the network in PyTorch, measured in turn."""


@dataclass(frozen=True)
class ModelCost:
    """What a run's model costs, and what it reaches."""

    run: str
    model: str
    parameters: int
    flops_per_event: int
    layers: tuple[OperatorTime, ...]
    speed: tuple[Speed, ...]
    memory_mb: dict[str, float]
    """`weights`; `batch_64`, what scoring a batch adds; `process_peak`, with all libraries; `gpu_peak`."""
    auc: float | None = None
    auc_error: float | None = None
    accuracy: float | None = None
    training_images_per_second: float | None = None

    @property
    def latency_ms(self) -> float:
        """The least median latency at batch 1 over backends and threads."""
        return min(row.latency_ms["median"] for row in self.speed if row.batch == 1)


@dataclass(frozen=True)
class Benchmark(Artefact):
    """The content of benchmark.json."""

    REMEDY = "write it again with scripts/benchmark.py"

    machine: Machine
    device: str
    threads: tuple[int, ...]
    runs: tuple[ModelCost, ...]


BATCH_SIZES = (1, 8, 64, 512)
TOP_LAYERS = 12


def machine(device: str) -> Machine:
    """Return processor, cores, versions and, for cuda, the GPU."""
    gpu = ""
    if device == "cuda":
        import torch

        gpu = torch.cuda.get_device_name()
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        system=platform.platform(),
        python=platform.python_version(),
        versions=installed_versions(),
        gpu=gpu,
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def model_cost(
    run: Run,
    device: str,
    threads: Sequence[int],
    trace: Path | None,
    name: str = "",
    batch_sizes: Sequence[int] = BATCH_SIZES,
) -> ModelCost:
    """Return what a run's model costs on a device, and what it reaches where it was evaluated.

    Args:
        run: trained run; its ONNX export is measured too where there is one.
        device: cpu or cuda.
        threads: numbers of threads to measure with, on the CPU.
        trace: file for the profiler's trace (chrome://tracing, perfetto); None: none.
        name: of the run in tables and figures; by default its folder's.
        batch_sizes: numbers of images per call to measure with.

    Raises:
        BackendUnavailableError: a GPU is asked for and absent.
        RunError, ModelError: no trained run, or a torn checkpoint.
    """
    check_device(device)
    network = on_device(run, device)
    random = np.random.default_rng(1)
    images = random.exponential(1.0, (max(64, *batch_sizes), *network.image.shape)).astype(np.float32)
    images *= random.random(images.shape) < 0.05  # about as empty as detector images
    scorers: dict[str, Scorer] = {"eager": torch_scorer(network, device)}
    counts = [1] if device == "cuda" else list(threads)
    metrics = run.metrics if run.metrics_file.is_file() else None
    proof = metrics.best_proof if metrics else None
    return ModelCost(
        run=name or run.name,
        model=network.name,
        parameters=network.parameter_count,
        flops_per_event=network.flops_per_event(),
        layers=layer_times(network, images[:64], device, trace),
        speed=tuple(
            row
            for count in counts
            for row in speeds(run, scorers, [images[:size] for size in batch_sizes], device, count)
        ),
        memory_mb=memory(run, images[:64], device),
        auc=proof.auc if proof else None,
        auc_error=proof.auc_error if proof else None,
        accuracy=proof.accuracy if proof else None,
        training_images_per_second=metrics.training.images_per_second if metrics else None,
    )


def on_device(run: Run, device: str) -> Model:
    """Return the run's network on a device; the run keeps its own on the CPU."""
    return run.network if device == "cpu" else copy.deepcopy(run.network).to(device)


def layer_times(
    network: nn.Module, images: NDArray[np.float32], device: str, trace: Path | None
) -> tuple[OperatorTime, ...]:
    """Return the operators that take most of the time."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    batch = torch.from_numpy(images).to(device)
    kinds = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device == "cuda" else [])
    calls = 5
    with torch_threads(1), torch.inference_mode():
        for _ in range(3):
            network(batch)
        with profile(activities=kinds) as profiler:
            for _ in range(calls):
                network(batch)
    if trace is not None:
        trace.parent.mkdir(parents=True, exist_ok=True)
        profiler.export_chrome_trace(str(trace))
    where = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    rows = sorted(profiler.key_averages(), key=lambda row: -getattr(row, where))
    total = sum(getattr(row, where) for row in rows) or 1.0
    return tuple(
        OperatorTime(
            operator=row.key,
            calls=row.count // calls,
            ms=getattr(row, where) / calls / 1e3,
            share=getattr(row, where) / total,
        )
        for row in rows[:TOP_LAYERS]
    )


def speeds(
    run: Run, scorers: dict[str, Scorer], batches: Sequence[NDArray[np.float32]], device: str, threads: int
) -> list[Speed]:
    """Return latency and throughput by backend and batch size, measured in turn, with the paired ratio."""
    both = {**scorers, **_onnx(run, device, threads)}
    rows = []
    with torch_threads(threads):
        for batch in batches:
            size = len(batch)
            found = measure(
                both, batch, rounds=8, calls=10 if size == 1 else 2, warm_up=10 if size == 1 else 2
            )
            for name, durations in found.items():
                latency = percentiles(durations)
                rows.append(
                    Speed(
                        backend=name,
                        device=device,
                        threads=threads,
                        batch=size,
                        latency_ms=latency,
                        events_per_second=size / latency["median"] * 1e3,
                        speedup=speedup(found["eager"], durations),
                    )
                )
    return rows


def _onnx(run: Run, device: str, threads: int) -> dict[str, Scorer]:
    """Return the ONNX export's scorer where the run has one that can run here."""
    if not run.export.is_dir():
        return {}
    try:
        return {"onnx": run.predictor("onnx", threads=threads, device=device).score}
    except BackendUnavailableError:
        return {}


def memory(run: Run, images: NDArray[np.float32], device: str) -> dict[str, float]:
    """Return the memory (MB) of the weights, of scoring one batch, of the whole process, and on the GPU.

    It is measured in a process of its own.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_peaks, run.path, images, device).result()


def _process_peak() -> float:
    """Return the most memory (MB) that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _peaks(run: Path, images: NDArray[np.float32], device: str) -> dict[str, float]:
    """Score one batch with eager PyTorch; return the peaks of this process."""
    network = Run(run).network.to(device)
    score = torch_scorer(network, device)
    score(images[:1])  # what libraries keep from their first call on
    before = _process_peak()
    score(images)
    found = {
        "weights": sum(one.numel() * one.element_size() for one in network.state_dict().values()) / 1e6,
        "batch_64": _process_peak() - before,
        "process_peak": _process_peak(),
    }
    if device == "cuda":
        import torch

        found["gpu_peak"] = torch.cuda.max_memory_allocated() / 1e6
    return found
