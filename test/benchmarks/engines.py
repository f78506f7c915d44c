#!/usr/bin/env python3
"""Engines side by side: agreement, latency, memory and time to build; rows of results/engines.csv.

    test/benchmarks/engines.py --runs RUN ... [--limit 2000] [--results FILE.csv]

The runs are exported. What takes part is what `validate` finds here: C++ programs in $PARTICLEVIT_PROGRAMS,
cmsRun, and SOFIE in ROOT or as $PARTICLEVIT_SOFIE; of SOFIE, it is said why it cannot.
"""

from __future__ import annotations

from pathlib import Path

from RecoE2E.ParticleViT.commands import cli


def benchmark(runs: list[Path], limit: int = 2000, results: Path | None = None) -> None:
    """Validate runs and print a table for each.

    Args:
        runs: Run folders with an export.
        limit: Most events of the test split.
        results: CSV file to which the rows are added.
    """
    from results import add_rows  # beside this script

    from RecoE2E.ParticleViT.deployment.validate import table, validate_run

    rows: list[dict[str, object]] = []
    for run in runs:
        content = validate_run(run, limit=limit)
        cli.say(f"{run.name}\n{table(content)}")
        for name, entry in content.backends.items():
            row = {"run": run.name, "engine": name, "events": content.events, "auc": f"{entry.auc:.5f}"}
            row |= {"auc_difference": f"{entry.auc_difference:.1e}"}
            row |= {"largest_difference": f"{entry.max_abs_difference:.1e}"}
            for size, found in entry.latency_ms.items():
                row |= {f"ms_at_{size}": f"{found['median']:.3f}"}
            row |= {"faster_than_eager_at_1": f"{entry.speedup['1']:.1f}"}
            row |= {"peak_memory_mb": _number(entry.peak_memory_mb)}
            row |= {"generate_s": _number(entry.generate_seconds)}
            rows.append(row | {"compile_s": _number(entry.compile_seconds), "reason": ""})
        for name, reason in content.unavailable.items():
            if name == "sofie":
                empty = dict.fromkeys(rows[0], "")
                rows.append(empty | {"run": run.name, "engine": name, "reason": reason})
    if results is not None:
        add_rows(results, rows, repetitions=3)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    cli.run(benchmark)
