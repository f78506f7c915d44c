"""Measure what models cost: operations, latency, throughput, memory, time per operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..errors import RecipeError
from . import cli


def benchmark(
    runs: Sequence[Path],
    output: Path | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
    threads: Sequence[int] = (1,),
    label: str = "ParticleViT",
    pdf: bool = False,
) -> None:
    """Measure trained runs and write benchmark.json, benchmark.html, profiler traces and Pareto figures.

    Args:
        runs: Run folders.
        output: Folder to write to; by default the run folder, with several runs the folder benchmark.
        device: Where the models run.
        threads: Numbers of threads to measure with on the CPU.
        label: Text above the figures on the left, such as CMS Simulation.
        pdf: Write a PDF beside the PNG of each figure.
    """
    if min(threads) < 1:
        raise RecipeError(f"--threads has {min(threads)}; give 1 or more")
    from ..evaluation.benchmark import benchmark_runs, table
    from ..report.figure import figure_style
    from .run_page import write_report

    folder = output or (runs[0] if len(runs) == 1 else Path("benchmark"))
    with figure_style(label, pdf):
        cli.say(table(benchmark_runs(runs, folder, device, threads)))
    for run in runs:
        write_report(run)
    cli.say(f"{folder / 'benchmark.json'}, {folder / 'benchmark.html'}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(benchmark, arguments=arguments)
