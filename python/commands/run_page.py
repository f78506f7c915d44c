"""RUN/report.html: everything that a run folder knows, on one page without outside references."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..report.page import Page

SPLITS = ("train", "validation", "test")
CAPTIONS = {
    "learning_curves": "Loss and validation AUC by epoch",
    "roc": "ROC curve of the test split",
    "rejection": "Background rejection against signal efficiency",
    "scores": "Scores of each class",
    "confusion": "Confusion matrix",
    "reliability": "Observed against predicted probability",
}
WIDE = "learning_curves"  # two panels


def write_report(run: Path) -> Path:
    """Write RUN/report.html from the files of the run folder that are there; return its path."""
    page = Page(f"Run {run.resolve().name}")
    metrics = _read(run / "metrics.json")
    _data(page, run)
    _metrics(page, metrics)
    _figures(page, run, CAPTIONS)
    _phase_space(page, run, metrics)
    _robustness(page, run)
    _exports(page, _read(run / "export" / "model.json"))
    _validation(page, _read(run / "validation.json"))
    _benchmark(page, _read(run / "benchmark.json"))
    page.write(run / "report.html")
    return run / "report.html"


def _read(path: Path) -> Any:
    """Return a JSON file's content, {} where it is missing or damaged: a report shows what there is."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _figures(page: Page, run: Path, captions: dict[str, str]) -> None:
    for name, caption in captions.items():
        for path in sorted((run / "plots").glob(f"{name}*.png")):
            page.figure(path, caption, wide=name == WIDE)


def _data(page: Page, run: Path) -> None:
    from ..errors import ParticleViTError
    from ..inference.scoring import describe
    from ..store import open_store
    from ..training.checkpoint import read_checkpoint

    try:
        parameters = read_checkpoint(run / "checkpoints" / "best.ckpt")["hyper_parameters"]
        store = open_store(Path(str(parameters["store"]["path"])))
    except (ParticleViTError, KeyError, TypeError):
        page.warning("The store of the training is not there any more.")
        return
    page.heading("Data")
    inputs = store.info.inputs
    entries = f"{len(inputs)} files, {sum(one.entries for one in inputs):,} entries"
    page.mapping({"store": store.info.name, "images": describe(store.image), "inputs": entries})
    rows = [(name, split.events, *split.per_class.values()) for name, split in store.info.splits.items()]
    page.table(("split", "events", *store.classes), rows)


def _metrics(page: Page, metrics: dict[str, Any]) -> None:
    if "model" not in metrics:
        return
    page.heading("Model and training")
    page.mapping({**metrics["model"], **metrics.get("training", {})})
    page.heading("Figures of merit")
    found = [(split, metrics[split]) for split in SPLITS if split in metrics]
    targets = list(found[0][1]["background_rejection"]) if found else []
    header = ("split", "events", "AUC", "error", "accuracy", "calibration error")
    page.table(
        (*header, *(f"rejection at {target}" for target in targets)),
        [
            (
                *(split, entry["events"], entry["auc"], entry["auc_error"], entry["accuracy"]),
                entry.get("calibration", {}).get("expected_calibration_error"),
                *entry["background_rejection"].values(),
            )
            for split, entry in found
        ],
    )
    points = metrics.get("working_points", {})
    rows = [(name, target, value) for name, one in points.items() for target, value in one.items()]
    if rows:
        page.text("Working points: a score at or above the threshold passes; from the validation split.")
        page.table(("class", "background efficiency", "threshold"), rows)


def _phase_space(page: Page, run: Path, metrics: dict[str, Any]) -> None:
    if not metrics.get("phase_space", {}).get("auc_in_bins"):
        return
    page.heading("Phase space")
    for name, shapes in metrics["phase_space"]["sculpting"].items():
        kept, change = shapes["background_efficiency"], shapes["divergence"]
        page.text(
            f"A cut that keeps {kept:.0%} of the background changes the shape of its {name} by a "
            f"Jensen-Shannon divergence of {change:.3f} bits."
        )
    _figures(page, run, {"auc_in_": "AUC in bins", "sculpting_": "Shape of the background before and after"})


def _robustness(page: Page, run: Path) -> None:
    if list((run / "plots").glob("robustness_*.png")):
        page.heading("Robustness")
        _figures(page, run, {"robustness_": "AUC of disturbed images"})


def _exports(page: Page, model: dict[str, Any]) -> None:
    if "onnx" not in model:
        return
    page.heading("Exports")
    onnx, script = model["onnx"], model["torchscript"]
    nodes = f"{onnx['nodes']} nodes, {onnx.get('rewritten', {}).get('nodes_before', '?')} before rewriting"
    limits = f"opset {onnx['opset']}, IR {onnx['ir_version']}, {nodes}"
    rows = [("ONNX", onnx["file"], onnx["bytes"], limits)]
    rows.append(("TorchScript", script["file"], script["bytes"], f"torch {script['torch']}"))
    int8 = model.get("onnx_int8")
    if int8:
        rows.append(("ONNX int8", int8["file"], int8["bytes"], int8["method"]))
    page.table(("kind", "file", "bytes", ""), rows)
    page.text(f"The ONNX file loads in {model.get('target', 'CMSSW_13_1')} and later.")
    if int8:
        page.text("Candidates for int8, against float32:")
        page.table(
            ("candidate", "delta AUC", "bytes", "faster at 1", "faster at 64"),
            [
                (
                    row["method"],
                    row["auc_difference"],
                    row["bytes"],
                    row["speedup"]["1"],
                    row["speedup"]["64"],
                )
                for row in int8["candidates"]
            ],
        )


def _validation(page: Page, validation: dict[str, Any]) -> None:
    if "backends" not in validation:
        return
    page.heading("Validation against eager PyTorch")
    verdict = "passed" if validation["passed"] else "FAILED"
    limits = validation["tolerances"]
    say = page.text if validation["passed"] else page.warning
    say(
        f"{verdict} on {validation['events']:,} {validation['split']} events; tolerances for float32: "
        f"AUC {limits['auc_difference']:g}, score {limits['max_abs_difference']:g}"
    )
    header = (
        *("backend", "AUC", "delta AUC", "error", "largest delta", "on extremes"),
        *("ms at 1", "p95", "ms at 64", "faster at 1", "faster at 64"),
    )
    eager = validation["reference"]
    rows = [("eager", eager["auc"], None, None, None, None, *_times(eager), None, None)]
    for name, entry in validation["backends"].items():
        extremes = max(*entry["extreme_images"].values(), *entry["batch_sizes"].values())
        rows.append(
            (
                *(name, entry["auc"], entry["auc_difference"], entry["auc_difference_error"]),
                *(entry["max_abs_difference"], extremes, *_times(entry)),
                *(entry["speedup"]["1"], entry["speedup"]["64"]),
            )
        )
    page.table(header, rows)
    for name, reason in validation["unavailable"].items():
        page.text(f"{name}: {reason}")


def _times(entry: dict[str, Any]) -> tuple[float, float, float]:
    one, many = entry["latency_ms"]["1"], entry["latency_ms"]["64"]
    return one["median"], one["p95"], many["median"]


def _benchmark(page: Page, benchmark: dict[str, Any]) -> None:
    from ..evaluation.benchmark import speed_table

    if "runs" in benchmark:
        page.heading("Benchmark")
        page.text(f"{benchmark['machine']['processor']}, {benchmark['machine']['cores']} cores")
        page.table(*speed_table(benchmark))
