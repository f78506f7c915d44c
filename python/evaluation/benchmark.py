"""Compare what models cost with what they reach: benchmark.json, Pareto figures, one HTML page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..inference.predictors import check_device
from ..inference.run import Run
from ..report.figure import COLORS, figure, legend
from ..report.page import Page
from ..report.quantity import with_error
from ..run_folder import RunFolder
from .cost import BATCH_SIZES, Benchmark, machine, model_cost
from .names import run_names

CAPTIONS = {
    "auc_flops": "AUC against operations per event",
    "auc_latency": "AUC against latency at batch 1",
    "accuracy_flops": "Accuracy against operations per event",
}
MEMORY = {
    "weights": "weights (MB)",
    "batch_64": "scoring a batch of 64 (MB)",
    "gpu_peak": "peak on the GPU (MB)",
    "process_peak": "whole process, with Python and libraries (MB)",
}
"""How the memory of a model is called."""


class Point(NamedTuple):
    """One run in a figure of merit against cost."""

    label: str
    cost: float
    merit: float
    error: float


def benchmark_runs(
    runs: Sequence[Path],
    output: Path,
    device: str = "cpu",
    threads: Sequence[int] = (1,),
    batch_sizes: Sequence[int] = BATCH_SIZES,
) -> Benchmark:
    """Measure runs and write benchmark.json, benchmark.html, traces and Pareto figures to a folder.

    Args:
        runs: trained runs.
        output: folder to write to.
        device: cpu or cuda.
        threads: numbers of threads to measure with.
        batch_sizes: numbers of images per call to measure with.

    Returns:
        The content of benchmark.json.

    Raises:
        RunError, ModelError: a run is not trained, or torn.
        BackendUnavailableError: a GPU is asked for and absent.
    """
    check_device(device)
    entries = []
    where = machine(device)
    for run, name in zip(runs, run_names(runs), strict=True):
        trace = output / "traces" / f"{name.replace('/', '_')}_{device}.json"
        entries.append(model_cost(Run(run), device, threads, trace, name, batch_sizes))
        if len(runs) > 1:
            one = Benchmark(where, device, tuple(threads), (entries[-1],))
            one.write(RunFolder(run).benchmark_file)
    content = Benchmark(where, device, tuple(threads), tuple(entries))
    content.write(RunFolder(output).benchmark_file)
    figures = draw_paretos(output, content)
    write_page(output / "benchmark.html", content, figures)
    return content


def pareto(points: Sequence[Point]) -> list[Point]:
    """Return the points that no cheaper or equally cheap point beats, by rising cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.merit)):
        if not front or point.merit > front[-1].merit:
            front.append(point)
    return front


def draw_paretos(output: Path, content: Benchmark) -> list[Path]:
    """Draw AUC against operations and latency, and accuracy against operations; return the files."""
    known = [entry for entry in content.runs if entry.auc is not None]
    device = content.device
    flops = ("Floating-point operations per event", [float(one.flops_per_event) for one in known])
    latency = (f"Latency at batch 1 on {device} (ms)", [one.latency_ms for one in known])
    files = []
    for name, merit, (label, costs) in (
        ("auc_flops", "auc", flops),
        (f"auc_latency_{device}", "auc", latency),
        ("accuracy_flops", "accuracy", flops),
    ):
        points = [
            Point(entry.run, cost, getattr(entry, merit), entry.auc_error or 0.0 if merit == "auc" else 0.0)
            for entry, cost in zip(known, costs, strict=True)
            if getattr(entry, merit) is not None
        ]
        if points:
            path = output / "plots" / f"pareto_{name}.png"
            files.append(draw_pareto(path, points, label, "AUC" if merit == "auc" else "Accuracy"))
    return files


def draw_pareto(path: Path, points: Sequence[Point], label: str, merit: str = "AUC") -> Path:
    """Draw a figure of merit with its error against a cost, and the front of what no cheaper model beats."""
    front = pareto(points)
    with figure(path, "test split") as axes:
        axes.plot([one.cost for one in front], [one.merit for one in front], color="grey", linestyle="--",
                  label="Pareto front")  # fmt: skip
        for color, one in zip(COLORS * 9, points, strict=False):
            axes.errorbar(one.cost, one.merit, one.error or None, color=color, marker="o", markersize=10,
                          capsize=4, linestyle="none", label=one.label)  # fmt: skip
        axes.set(xlabel=label, ylabel=merit, xscale="log")
        legend(axes, "upper left")
    return path


def write_page(path: Path, content: Benchmark, figures: Sequence[Path]) -> None:
    """Write the benchmark as one HTML page."""
    page = Page("Benchmark")
    page.heading("Machine")
    versions = ", ".join(f"{name} {number}" for name, number in content.machine.versions.items())
    page.mapping(
        {
            **dataclasses.asdict(content.machine),
            "versions": versions,
            "threads": ", ".join(map(str, content.threads)),
        }
    )
    page.heading("Models")
    kinds = [kind for kind in MEMORY if any(kind in entry.memory_mb for entry in content.runs)]
    page.table(
        ("run", "model", "AUC", "parameters", "FLOPs per event", *(MEMORY[kind] for kind in kinds)),
        [
            (
                *(entry.run, entry.model, with_error(entry.auc, entry.auc_error)),
                *(entry.parameters, entry.flops_per_event),
                *(entry.memory_mb.get(kind) for kind in kinds),
            )
            for entry in content.runs
        ],
    )  # fmt: skip
    for file in figures:
        what = CAPTIONS[file.stem.removeprefix("pareto_").removesuffix(f"_{content.device}")]
        page.figure(file, f"{what}; the broken line joins what no cheaper model beats")
    page.heading("Latency and throughput")
    page.text(
        "All backends of a row's run are measured in turn; faster is the median of the ratios to eager."
    )
    page.table(*speed_table(content))
    for entry in content.runs:
        page.heading(f"Operators of {entry.run}, batch 64")
        page.table(
            ("operator", "calls", "ms", "share"),
            [(row.operator, row.calls, row.ms, f"{row.share:.1%}") for row in entry.layers],
        )
    page.write(path)


def speed_table(content: Benchmark) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return header and rows of latency and throughput."""
    header = ("run", "backend", "threads", "batch", "median (ms)", "p95 (ms)", "events/s", "faster")
    rows = [
        (
            *(entry.run, row.backend, row.threads, row.batch),
            *(row.latency_ms["median"], row.latency_ms["p95"]),
            *(round(row.events_per_second), f"{row.speedup:.2f}x"),
        )
        for entry in content.runs
        for row in entry.speed
    ]
    return header, rows


def table(content: Benchmark) -> str:
    """Return the benchmark as a table for the terminal."""
    names = ("AUC", "parameters", "MFLOP", "trained/s", "ms at 1", "events/s")
    lines = [f"{'run':<24}" + f"{names[0]:>20}" + "".join(f"{name:>11}" for name in names[1:])]
    for entry in content.runs:
        numbers = (
            f"{entry.parameters:,}",
            f"{entry.flops_per_event / 1e6:.1f}",
            format_rate(entry.training_images_per_second),
            f"{entry.latency_ms:.3f}",
            format_rate(max(row.events_per_second for row in entry.speed)),
        )
        area = with_error(entry.auc, entry.auc_error, "+-")
        lines.append(f"{entry.run:<24}{area:>20}" + "".join(f"{number:>11}" for number in numbers))
    return "\n".join(lines)


def format_rate(rate: float | None) -> str:
    """Return a rate per second without decimals, a dash where it is not known."""
    return "-" if rate is None else f"{rate:,.0f}"
