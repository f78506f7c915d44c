#!/usr/bin/env python3
"""Append what `particlevit explain` found of its methods to a table, one row per run, method and curve.

test/benchmarks/explain.py --explained RUN/explanation ... --results test/benchmarks/results/explain.csv
"""

from __future__ import annotations

from pathlib import Path

from results import add_rows

from RecoE2E.ParticleViT.commands import cli


def record(explained: list[Path], results: Path) -> None:
    """Append explanations.

    Args:
        explained: Folders with explanation.json.
        results: CSV file.
    """
    from RecoE2E.ParticleViT.explanation.explain import Explanation

    rows = []
    for folder in explained:
        content = Explanation.read(folder / "explanation.json", folder)
        for method, curves in content.methods.items():
            for curve, found in curves.items():
                row = {"run": content.run, "store": content.store, "split": content.split}
                row |= {"events": content.sample, "method": method, "curve": curve}
                rows.append(row | {name: f"{value:.4f}" for name, value in found.items()})
    add_rows(results, rows, 1)
    cli.say(f"{results}: {len(rows)} new rows")


if __name__ == "__main__":
    cli.run(record)
