#!/usr/bin/env python3
"""Measure what models cost: operations, latency, throughput, memory, time per operator."""

from __future__ import annotations

from pathlib import Path

from RecoE2E.ParticleViT import cli


def benchmark(
    runs: str, output: Path | None = None, device: str = "cpu", threads: tuple[int, ...] = (1,)
) -> None:
    """Measure trained runs and write benchmark.json, benchmark.html, profiler traces and Pareto figures.

    Args:
        runs: Run folders, with commas between.
        output: Folder to write to; by default the run folder, with several runs the folder benchmark.
        device: Where the models run, cpu or cuda.
        threads: Numbers of threads to measure with on the CPU.
    """
    from RecoE2E.ParticleViT.evaluation.benchmark import benchmark_runs, table
    from RecoE2E.ParticleViT.evaluation.run_report import write_report

    folders = [Path(word) for word in runs.split(",")]
    folder = output or (folders[0] if len(folders) == 1 else Path("benchmark"))
    cli.say(table(benchmark_runs(folders, folder, device, threads)))
    for run in folders:
        write_report(run)
    cli.say(f"{folder / 'benchmark.json'}, {folder / 'benchmark.html'}")


if __name__ == "__main__":
    cli.run(benchmark)
