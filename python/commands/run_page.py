"""RUN/report.html: everything that a run folder knows, on one page without outside references."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..deployment.validation import Validation
from ..errors import ParticleViTError
from ..evaluation.benchmark import speed_table
from ..evaluation.cost import Benchmark
from ..evaluation.robustness import LABELS
from ..inference.manifest import Manifest
from ..inference.metrics import Metrics
from ..inference.run import Run, as_run
from ..report.page import Page
from ..report.quantity import kinematic, with_error
from ..run_folder import RunFolder
from ..store import open_store
from .model_card import existing, write_card

CAPTIONS = {
    "learning_curves": "Loss and validation AUC by epoch",
    "roc": "ROC curve of the test split",
    "rejection": "Background rejection against signal efficiency",
    "scores": "Scores of each class",
    "confusion": "Confusion matrix",
    "reliability": "Observed against predicted probability",
}
WIDE = "learning_curves"  # two panels


def write_report(run: Run | Path) -> Path:
    """Write RUN/report.html and the card of an export from the files that are there; return the page."""
    run = as_run(run)
    page = Page(f"Run {run.name}")
    metrics = existing(Metrics, run.metrics_file)
    _data(page, run)
    _metrics(page, metrics)
    classes = _captions(run, "scores_", "Probability of {} by class", str)
    _figures(page, run, {**CAPTIONS, **classes})
    _phase_space(page, run, metrics)
    _robustness(page, run)
    manifest = existing(Manifest, run.manifest_file)
    _exports(page, manifest)
    _validation(page, existing(Validation, run.validation_file))
    _benchmark(page, existing(Benchmark, run.benchmark_file))
    page.write(run.report_file)
    if manifest is not None:
        write_card(run)
    return run.report_file


def _figures(page: Page, run: RunFolder, captions: Mapping[str, str]) -> None:
    for name, caption in captions.items():
        path = run.plots / f"{name}.png"
        if path.is_file():
            page.figure(path, caption, wide=name == WIDE)


def _captions(run: RunFolder, start: str, text: str, names: Callable[[str], str]) -> dict[str, str]:
    """Return {name of a figure: caption} of all figures whose names begin with `start`."""
    found = sorted(path.stem for path in run.plots.glob(f"{start}*.png"))
    return {stem: text.format(names(stem.removeprefix(start))) for stem in found}


def _data(page: Page, run: Run) -> None:
    try:
        store = open_store(Path(run.checkpoint.store.path))
    except ParticleViTError:
        page.warning("The store of the training is not there any more.")
        return
    page.heading("Data")
    inputs = store.info.inputs
    entries = f"{len(inputs)} files, {sum(one.entries for one in inputs):,} entries"
    page.mapping({"store": store.info.name, "images": store.image.text, "inputs": entries})
    rows = [(name, split.events, *split.per_class.values()) for name, split in store.info.splits.items()]
    page.table(("split", "events", *store.classes), rows)


def _metrics(page: Page, metrics: Metrics | None) -> None:
    if metrics is None:
        return
    page.heading("Model and training")
    page.mapping({**dataclasses.asdict(metrics.model), **dataclasses.asdict(metrics.training)})
    page.heading("Figures of merit")
    found = list(metrics.splits.items())
    targets = list(found[0][1].background_rejection) if found else []
    header = ("split", "events", "AUC", "accuracy", "calibration error")
    page.table(
        (*header, *(f"rejection at {target}" for target in targets)),
        [
            (
                *(split, entry.events, with_error(entry.auc, entry.auc_error), entry.accuracy),
                entry.calibration.expected_calibration_error if entry.calibration else None,
                *entry.background_rejection.values(),
            )
            for split, entry in found
        ],
    )
    points = metrics.working_points
    rows = [(name, target, value) for name, one in points.items() for target, value in one.items()]
    if rows:
        page.text("Working points: a score at or above the threshold passes; from the validation split.")
        page.table(("class", "background efficiency", "threshold"), rows)


def _phase_space(page: Page, run: RunFolder, metrics: Metrics | None) -> None:
    if metrics is None or not metrics.phase_space.auc_in_bins:
        return
    page.heading("Phase space")
    for name, shapes in metrics.phase_space.sculpting.items():
        kept = shapes.background_efficiency
        change = with_error(shapes.divergence, shapes.divergence_error)
        by_chance = shapes.divergence_by_chance
        chance = "" if by_chance is None else f"; a random choice of as many has {by_chance:.2g}"
        page.text(
            f"A cut that keeps {kept:.0%} of the background changes the shape of its {_column(name)} by a "
            f"Jensen-Shannon divergence of {change} bits{chance}."
        )
    bins = _captions(run, "auc_in_", "AUC in bins of {}", _column)
    _figures(page, run, bins)
    _figures(
        page, run, _captions(run, "sculpting_", "{} of the background before and after the cut", _column)
    )


def _column(name: str) -> str:
    return kinematic(name).title


def _robustness(page: Page, run: RunFolder) -> None:
    captions = _captions(
        run, "robustness_", "AUC of disturbed images: {}", lambda kind: LABELS.get(kind, kind)
    )
    if captions:
        page.heading("Robustness")
        _figures(page, run, captions)


def _exports(page: Page, model: Manifest | None) -> None:
    if model is None or model.onnx is None or model.torchscript is None:
        return
    page.heading("Exports")
    onnx, script, int8 = model.onnx, model.torchscript, model.onnx_int8
    nodes = f"{onnx.nodes} nodes, {onnx.rewritten.get('nodes_before', '?')} before rewriting"
    rows = [("ONNX", onnx.file, onnx.bytes, f"opset {onnx.opset}, IR {onnx.ir_version}, {nodes}")]
    rows.append(("TorchScript", script.file, script.bytes, f"torch {script.torch}"))
    if int8:
        rows.append(("ONNX int8", int8.file, int8.bytes, int8.method))
    page.table(("kind", "file", "bytes", ""), rows)
    page.text(f"The ONNX file loads in {model.target} and later.")
    if int8:
        page.text("Candidates for int8, against float32:")
        page.table(
            ("candidate", "delta AUC", "bytes", "faster at 1", "faster at 64"),
            [
                (row.method, row.auc_difference, row.bytes, row.speedup["1"], row.speedup["64"])
                for row in int8.candidates
            ],
        )


def _validation(page: Page, validation: Validation | None) -> None:
    if validation is None:
        return
    page.heading("Validation against eager PyTorch")
    verdict = "passed" if validation.passed else "FAILED"
    limits = validation.tolerances
    say = page.text if validation.passed else page.warning
    say(
        f"{verdict} on {validation.events:,} {validation.split} events; tolerances for float32: "
        f"AUC {limits['auc_difference']:g}, score {limits['max_abs_difference']:g}"
    )
    header = (
        *("backend", "AUC", "delta AUC", "error", "largest delta", "on extremes"),
        *("ms at 1", "p95", "ms at 64", "faster at 1", "faster at 64"),
    )
    eager = validation.reference
    rows: list[tuple[Any, ...]] = [
        ("eager", eager.auc, None, None, None, None, *_times(eager.latency_ms), None, None)
    ]
    for name, entry in validation.backends.items():
        rows.append(
            (
                *(name, entry.auc, entry.auc_difference, entry.auc_difference_error),
                *(entry.max_abs_difference, entry.largest_extreme, *_times(entry.latency_ms)),
                *(entry.speedup["1"], entry.speedup["64"]),
            )
        )
    page.table(header, rows)
    for name, reason in validation.unavailable.items():
        page.text(f"{name}: {reason}")


def _times(latency: dict[str, dict[str, float]]) -> tuple[float, float, float]:
    one, many = latency["1"], latency["64"]
    return one["median"], one["p95"], many["median"]


def _benchmark(page: Page, benchmark: Benchmark | None) -> None:
    if benchmark is None:
        return
    page.heading("Benchmark")
    page.text(f"{benchmark.machine.processor}, {benchmark.machine.cores} cores")
    page.table(*speed_table(benchmark))
