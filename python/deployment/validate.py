"""Prove that every exported file gives the answers of the trained network, and say what an event costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..auc import auc, check_classes
from ..errors import DeploymentError
from ..files import check_writable
from ..inference.backends import FILE_BACKENDS, load_run
from ..inference.cmsrun import check_area
from ..inference.latency import compare, measure, percentiles, speedup, torch_threads
from ..inference.predictors import BackendUnavailableError, Predictor
from ..inference.programs import PROGRAMS, ProgramPredictor
from ..inference.run import Run, as_run
from ..inference.scoring import Events, Scores, check_limit, proof_split, score_split
from ..inference.sofie import SOFIE, SofiePredictor
from ..inference.triton import TIMEOUT
from ..run_folder import RunFolder
from ..store import open_store
from .agreement import BATCH_SIZES as PROOF_SIZES
from .agreement import agreement, batch_differences, extreme_differences, worst_events
from .operators import SOFIE as SOFIE_ENGINE
from .operators import lacking
from .targets import DEFAULT_TARGET, TARGETS, find_cycle
from .validation import BackendResult, Reference, Validation

TOLERANCES = {"auc_difference": 1e-4, "max_abs_difference": 1e-5}
INT8_TOLERANCES = {"auc_difference": 2e-3}
BATCH_SIZES = (1, 64)
PROVEN = (*FILE_BACKENDS, *PROGRAMS, SOFIE)
HEADER = (
    *("backend", "AUC", "delta AUC", "largest delta", "on extremes"),
    *("ms at 1", "p95", "ms at 64", "faster at 1", "at 64", ""),
)


def validate_run(
    run: Run | Path,
    store: Path | None = None,
    limit: int = 0,
    backends: tuple[str, ...] = PROVEN,
    timeout: float = TIMEOUT,
    cmssw: Path | None = None,
) -> Validation:
    """Compare all exported files of a run with its checkpoint and write the result, see `validation_file`.

    Args:
        run: run folder with an export.
        store: store whose test split is scored; None: the one of the training.
        limit: most events; 0: all.
        backends: what to compare with eager PyTorch; an address is a Triton server's.
        timeout: seconds that a server may take to answer.
        cmssw: CMSSW area that cmsrun is run in; None: the environment of this process.

    Returns:
        The content of validation.json; `passed` says whether every fp32 backend is within the tolerances.

    Raises:
        RunError, DeploymentError, ModelError, StoreError: something is missing, damaged or does not fit.
    """
    if cmssw is not None:
        check_release(cmssw)
    run = as_run(run)
    check_limit(limit)
    target = validation_file(run, store, limit)
    check_writable(target.parent)
    events = run.events(store)
    split = proof_split(events)
    reference = run.predictor()
    predictors, unavailable = load_backends(run, backends, timeout, cmssw)
    expected = score_split(reference.predict, events, split, limit, what="eager")
    check_classes(expected.labels, reference.classes, f"{events.store.path}, split {split}")
    found = {
        name: compare_backend(reference, one, expected, events, split) for name, one in predictors.items()
    }
    times = latencies(reference, predictors, events.images(split, max(BATCH_SIZES)))
    content = Validation(
        passed=all(entry.passed for entry in found.values()),
        events=len(expected.labels),
        split=split,
        store=events.store.info.name,
        reference=Reference(
            "eager", auc(expected.labels, expected.probabilities).value, times["eager"].latency_ms
        ),
        backends={name: dataclasses.replace(entry, **times[name]._asdict()) for name, entry in found.items()},
        unavailable=unavailable,
        tolerances={**TOLERANCES, "onnx_int8": INT8_TOLERANCES},
    )
    content.write(target)
    return content


def validation_file(run: RunFolder, store: Path | None, limit: int) -> Path:
    """Return where a validation is written: RUN/validation.json for all events of the training's store.

    Anything else goes beside it: RUN/validations/STORE-ID-limit-N.json.

    Raises:
        StoreError: the store is not there, or damaged.
    """
    words = [] if store is None else [store.resolve().name, open_store(store).info.id[:8]]
    if limit:
        words += ["limit", str(limit)]
    return run.path / "validations" / f"{'-'.join(words)}.json" if words else run.validation_file


def check_release(area: Path) -> None:
    """Raise an error unless a CMSSW area has this package and a release that loads its exports.

    Raises:
        DeploymentError: it has not; what was found is named.
    """
    release = check_area(area)
    cycles = list(TARGETS)
    supported = cycles[cycles.index(DEFAULT_TARGET) :]
    try:
        cycle = find_cycle(release)
    except DeploymentError:
        cycle = ""
    if cycle not in supported:
        raise DeploymentError(
            f"{area}: {release} does not load the exports of this package; expected {DEFAULT_TARGET} or later"
        )


def load_backends(
    run: Run, backends: tuple[str, ...], timeout: float = TIMEOUT, cmssw: Path | None = None
) -> tuple[dict[str, Predictor], dict[str, str]]:
    """Load what can run here; return it, and for the others why not."""
    manifest = run.manifest
    loaded, unavailable = {}, {}
    for name in backends:
        if name in FILE_BACKENDS and manifest.exported(name) is None:
            unavailable[name] = "not exported"
            continue
        try:
            predictor = load_run(run, name, threads=1, timeout=timeout, cmssw=cmssw)
            loaded[predictor.backend] = predictor
        except BackendUnavailableError as error:
            unavailable[name] = str(error)
    if SOFIE in unavailable and manifest.onnx is not None:
        unavailable[SOFIE] += _documented(manifest.onnx.operators)
    return loaded, unavailable


def _documented(operators: Iterable[str]) -> str:
    """Return what SOFIE's documentation says of the operators of an export."""
    missing = lacking(operators, SOFIE_ENGINE)
    return f"; by its documentation it lacks {', '.join(missing)}" if missing else ""


def compare_backend(
    reference: Predictor, other: Predictor, expected: Scores, events: Events, split: str
) -> BackendResult:
    """Return a backend's entry of validation.json, except for the latencies."""
    found = score_split(other.predict, events, split, len(expected.labels), what=other.backend)
    images = events.images(split, max(PROOF_SIZES))
    entry = BackendResult(
        **dataclasses.asdict(agreement(expected, found)),
        extreme_images=extreme_differences(reference, other),
        batch_sizes=batch_differences(reference, other, images),
        passed=True,
    )
    if within_tolerances(entry, other.backend):
        return entry
    return dataclasses.replace(entry, passed=False, worst_events=worst_events(expected, found))


def within_tolerances(entry: BackendResult, backend: str) -> bool:
    """Return the verdict on a backend: quantised files need the AUC only, others every score."""
    if backend == "onnx_int8":
        return abs(entry.auc_difference) <= INT8_TOLERANCES["auc_difference"]
    close = max(entry.max_abs_difference, entry.largest_extreme) <= TOLERANCES["max_abs_difference"]
    return close and abs(entry.auc_difference) <= TOLERANCES["auc_difference"]


class Cost(NamedTuple):
    """What a backend costs; the fields of `BackendResult`."""

    latency_ms: dict[str, dict[str, float]]
    speedup: dict[str, float]
    peak_memory_mb: float | None = None
    generate_seconds: float | None = None
    compile_seconds: float | None = None


def latencies(
    reference: Predictor, predictors: dict[str, Predictor], images: NDArray[np.float32]
) -> dict[str, Cost]:
    """Measure eager PyTorch and all backends in turn, one thread; return the cost of each."""
    images = np.resize(images, (max(BATCH_SIZES), *reference.image.shape))
    programs = {name: one for name, one in predictors.items() if isinstance(one, ProgramPredictor)}
    scorers = {
        "eager": reference.score,
        **{name: one.score for name, one in predictors.items() if name not in programs},
    }
    durations = compare(scorers, images, BATCH_SIZES)
    costs = {
        name: Cost(
            {str(size): percentiles(found[name]) for size, found in durations.items()},
            {str(size): speedup(found["eager"], found[name]) for size, found in durations.items()},
        )
        for name in scorers
    }
    return costs | {name: program_cost(reference, one, images) for name, one in programs.items()}


def program_cost(
    reference: Predictor, program: ProgramPredictor, images: NDArray[np.float32], rounds: int = 3
) -> Cost:
    """Return latency and peak memory of a C++ program, which measures itself, in turn with PyTorch."""
    latency, faster, memory = {}, {}, 0.0
    for size in BATCH_SIZES:
        calls = np.resize(images, (size * (200 if size == 1 else 60), *images.shape[1:]))
        measured, ratios = [], []
        for _ in range(rounds):
            with torch_threads(1):
                python = measure({"eager": reference.score}, np.ascontiguousarray(images[:size]), 1)["eager"]
            measured.append(program.run(calls, size)[1])
            ratios.append(float(np.median(python)) / measured[-1]["latency_ms"]["median"])
        latency[str(size)] = {
            key: float(np.median([one["latency_ms"][key] for one in measured])) for key in ("median", "p95")
        }
        faster[str(size)] = float(np.median(ratios))
        memory = max(memory, *(one["peak_rss_mb"] for one in measured))
    made = (program.generate_seconds, program.compile_seconds) if isinstance(program, SofiePredictor) else ()
    return Cost(latency, faster, memory, *made)


def table(content: Validation) -> str:
    """Return the validation as a table for the terminal."""
    rows = [HEADER, _reference_row(content.reference)]
    rows += [_row(name, entry) for name, entry in content.backends.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines += [
        f"{name}: code written in {entry.generate_seconds:.1f} s, compiled in {entry.compile_seconds:.1f} s"
        for name, entry in content.backends.items()
        if entry.generate_seconds is not None and entry.compile_seconds is not None
    ]
    lines += [f"{name}: {reason}" for name, reason in content.unavailable.items()]
    verdict = "passed" if content.passed else "FAILED"
    why = "" if content.split == "test" else " (the store has no test events)"
    return "\n".join([*lines, f"validation on {content.events} {content.split} events{why}: {verdict}"])


def _times(latency: dict[str, dict[str, float]]) -> tuple[str, str, str]:
    one, many = (latency[str(size)] for size in BATCH_SIZES)
    return f"{one['median']:.3f}", f"{one['p95']:.3f}", f"{many['median']:.2f}"


def _reference_row(entry: Reference) -> tuple[str, ...]:
    return ("eager", f"{entry.auc:.5f}", "", "", "", *_times(entry.latency_ms), "", "", "reference")


def _row(name: str, entry: BackendResult) -> tuple[str, ...]:
    return (
        *(name, f"{entry.auc:.5f}", f"{entry.auc_difference:+.1e}"),
        *(f"{entry.max_abs_difference:.1e}", f"{entry.largest_extreme:.1e}"),
        *_times(entry.latency_ms),
        *(f"{entry.speedup[str(size)]:.1f}x" for size in BATCH_SIZES),
        "ok" if entry.passed else "BEYOND TOLERANCE",
    )
