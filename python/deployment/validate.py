"""Prove that every exported file gives the answers of the trained network, and say what an event costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..auc import auc, check_classes
from ..files import write_json
from ..inference.backends import FILE_BACKENDS, load_run
from ..inference.latency import compare, measure, percentiles, speedup, torch_threads
from ..inference.manifest import read_manifest
from ..inference.predictors import BackendUnavailableError, Predictor
from ..inference.programs import PROGRAMS, ProgramPredictor
from ..inference.scoring import Events, Scores, open_events, proof_split, score_split
from ..inference.triton import TIMEOUT
from .agreement import BATCH_SIZES as PROOF_SIZES
from .agreement import agreement, batch_differences, extreme_differences, worst_events

TOLERANCES = {"auc_difference": 1e-4, "max_abs_difference": 1e-5}
INT8_TOLERANCES = {"auc_difference": 2e-3}
BATCH_SIZES = (1, 64)
PROVEN = (*FILE_BACKENDS, *PROGRAMS)
HEADER = (
    *("backend", "AUC", "delta AUC", "largest delta", "on extremes"),
    *("ms at 1", "p95", "ms at 64", "faster at 1", "at 64", ""),
)


def validate_run(
    run: Path,
    store: Path | None = None,
    limit: int = 0,
    backends: tuple[str, ...] = PROVEN,
    timeout: float = TIMEOUT,
) -> dict[str, Any]:
    """Compare all exported files of a run with its checkpoint and write RUN/validation.json.

    Args:
        run: run folder with an export.
        store: store whose test split is scored; None: the one of the training.
        limit: most events; 0: all.
        backends: what to compare with eager PyTorch; an address is a Triton server's.
        timeout: seconds that a server may take to answer.

    Returns:
        The content of validation.json; `passed` says whether every fp32 backend is within the tolerances.

    Raises:
        RunError, DeploymentError, ModelError, StoreError: something is missing, damaged or does not fit.
    """
    read_manifest(run)
    events = open_events(run, store)
    split = proof_split(events)
    reference = load_run(run, "eager")
    predictors, unavailable = load_backends(run, backends, timeout)
    expected = score_split(reference.predict, events, split, limit, progress="eager")
    check_classes(expected.labels, reference.classes, f"{events.store.path}, split {split}")
    content: dict[str, Any] = {"passed": True, "events": len(expected.labels), "split": split}
    content["store"] = events.store.info.name
    content["tolerances"] = {**TOLERANCES, "onnx_int8": INT8_TOLERANCES}
    content["reference"] = {"backend": "eager", "auc": auc(expected.labels, expected.probabilities).value}
    content["backends"] = {
        name: compare_backend(reference, one, expected, events, split) for name, one in predictors.items()
    }
    add_latencies(content, reference, predictors, events.images(split, max(BATCH_SIZES)))
    content["unavailable"] = unavailable
    content["passed"] = all(entry["passed"] for entry in content["backends"].values())
    write_json(run / "validation.json", content)
    return content


def load_backends(
    run: Path, backends: tuple[str, ...], timeout: float = TIMEOUT
) -> tuple[dict[str, Predictor], dict[str, str]]:
    """Load what can run here; return it, and for the others why not."""
    manifest = read_manifest(run)
    loaded, unavailable = {}, {}
    for name in backends:
        if name in FILE_BACKENDS and name not in manifest:
            unavailable[name] = "not exported"
            continue
        try:
            predictor = load_run(run, name, threads=1, timeout=timeout)
            loaded[predictor.backend] = predictor
        except BackendUnavailableError as error:
            unavailable[name] = str(error)
    return loaded, unavailable


def compare_backend(
    reference: Predictor, other: Predictor, expected: Scores, events: Events, split: str
) -> dict[str, Any]:
    """Return a backend's entry of validation.json, except for the latencies."""
    found = score_split(other.predict, events, split, len(expected.labels), progress=other.backend)
    images = events.images(split, max(PROOF_SIZES))
    entry = agreement(expected, found)
    entry["extreme_images"] = extreme_differences(reference, other)
    entry["batch_sizes"] = batch_differences(reference, other, images)
    entry["passed"] = within_tolerances(entry, other.backend)
    if not entry["passed"]:
        entry["worst_events"] = worst_events(expected, found)
    return entry


def within_tolerances(entry: dict[str, Any], backend: str) -> bool:
    """Return the verdict on a backend: quantised files need the AUC only, others every score."""
    if backend == "onnx_int8":
        return bool(abs(entry["auc_difference"]) <= INT8_TOLERANCES["auc_difference"])
    scores = [entry["max_abs_difference"], *entry["extreme_images"].values(), *entry["batch_sizes"].values()]
    close = max(scores) <= TOLERANCES["max_abs_difference"]
    return bool(close and abs(entry["auc_difference"]) <= TOLERANCES["auc_difference"])


def add_latencies(
    content: dict[str, Any],
    reference: Predictor,
    predictors: dict[str, Predictor],
    images: NDArray[np.float32],
) -> None:
    """Measure eager PyTorch and all backends in turn, one thread, and add the figures to `content`."""
    images = np.resize(images, (max(BATCH_SIZES), *reference.image.shape))
    programs = {name: one for name, one in predictors.items() if isinstance(one, ProgramPredictor)}
    python = {name: one for name, one in predictors.items() if name not in programs}
    scorers = {"eager": reference.score, **{name: one.score for name, one in python.items()}}
    durations = compare(scorers, images, BATCH_SIZES)
    content["reference"]["latency_ms"] = {
        str(size): percentiles(found["eager"]) for size, found in durations.items()
    }
    for name, program in programs.items():
        content["backends"][name] |= program_latency(reference, program, images)
    for name in python:
        entry = content["backends"][name]
        entry["latency_ms"] = {str(size): percentiles(found[name]) for size, found in durations.items()}
        entry["speedup"] = {
            str(size): speedup(found["eager"], found[name]) for size, found in durations.items()
        }


def program_latency(
    reference: Predictor, program: ProgramPredictor, images: NDArray[np.float32], rounds: int = 3
) -> dict[str, Any]:
    """Return latency and peak memory of a C++ program, which measures itself, in turn with PyTorch."""
    found: dict[str, Any] = {"latency_ms": {}, "speedup": {}}
    for size in BATCH_SIZES:
        calls = np.resize(images, (size * (200 if size == 1 else 60), *images.shape[1:]))
        measured, ratios = [], []
        for _ in range(rounds):
            with torch_threads(1):
                python = measure({"eager": reference.score}, np.ascontiguousarray(images[:size]), 1)["eager"]
            measured.append(program.run(calls, size)[1])
            ratios.append(float(np.median(python)) / measured[-1]["latency_ms"]["median"])
        found["latency_ms"][str(size)] = {
            key: float(np.median([one["latency_ms"][key] for one in measured])) for key in ("median", "p95")
        }
        found["speedup"][str(size)] = float(np.median(ratios))
        found["peak_memory_mb"] = max(one["peak_rss_mb"] for one in measured)
    return found


def table(content: dict[str, Any]) -> str:
    """Return the validation as a table for the terminal."""
    rows = [HEADER, _row("eager", content["reference"])]
    rows += [_row(name, entry) for name, entry in content["backends"].items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines += [f"{name}: {reason}" for name, reason in content["unavailable"].items()]
    verdict = "passed" if content["passed"] else "FAILED"
    return "\n".join([*lines, f"validation on {content['events']} {content['split']} events: {verdict}"])


def _row(name: str, entry: dict[str, Any]) -> tuple[str, ...]:
    one, many = (entry["latency_ms"][str(size)] for size in BATCH_SIZES)
    timing = (f"{one['median']:.3f}", f"{one['p95']:.3f}", f"{many['median']:.2f}")
    if name == "eager":
        return (name, f"{entry['auc']:.5f}", "", "", "", *timing, "", "", "reference")
    extremes = max(*entry["extreme_images"].values(), *entry["batch_sizes"].values())
    differences = (f"{entry['auc_difference']:+.1e}", f"{entry['max_abs_difference']:.1e}", f"{extremes:.1e}")
    ratios = tuple(f"{entry['speedup'][str(size)]:.1f}x" for size in BATCH_SIZES)
    return (
        name,
        f"{entry['auc']:.5f}",
        *differences,
        *timing,
        *ratios,
        "ok" if entry["passed"] else "BEYOND TOLERANCE",
    )
