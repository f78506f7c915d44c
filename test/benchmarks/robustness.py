#!/usr/bin/env python3
"""Append what `particlevit robustness` found to a table, one row per run, perturbation and strength.

    test/benchmarks/robustness.py --scan FOLDER --results FILE.csv [--prefix NAME]

FOLDER is the output of `particlevit robustness --runs ... --output FOLDER`.
"""

from __future__ import annotations

from pathlib import Path

from results import add_rows

from RecoE2E.ParticleViT.commands import cli


def record(scan: Path, results: Path, prefix: str = "") -> None:
    """Append a scan.

    Args:
        scan: Folder with robustness.json.
        results: CSV file.
        prefix: Put before the names of the runs.
    """
    from RecoE2E.ParticleViT.evaluation.robustness import Robustness

    content = Robustness.read(scan / "robustness.json", scan)
    rows = [
        {
            "run": prefix + run.run, "model": run.model, "events": run.events, "perturbation": kind,
            "strength": one.strength, "auc": f"{one.auc:.5f}", "auc_error": f"{one.auc_error:.5f}",
        }
        for run in content.runs
        for kind, found in run.scans.items()
        for one in found
    ]  # fmt: skip
    add_rows(results, rows, 1)
    cli.say(f"{results}: {len(rows)} new rows")


if __name__ == "__main__":
    cli.run(record)
