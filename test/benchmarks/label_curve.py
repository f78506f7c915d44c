#!/usr/bin/env python3
"""Append what `particlevit compare --sizes` found to a table, one row per number of events and way to train.

test/benchmarks/label_curve.py --run FOLDER --sample NAME --trained "COMMAND" --results FILE.csv
"""

from __future__ import annotations

from pathlib import Path

from results import add_rows

from RecoE2E.ParticleViT.commands import cli


def record(run: Path, sample: str, trained: str, results: Path) -> None:
    """Append a curve.

    Args:
        run: Folder with training_size.json.
        sample: Name of the events.
        trained: Command that trained them, with the one of the pretraining.
        results: CSV file.
    """
    from RecoE2E.ParticleViT.files import read_json

    content = read_json(run / "training_size.json")
    content.pop("checksum", None)
    rows = [
        {"sample": sample, "events": point.pop("events"), "trained": kind,
         **{key: f"{value:.5f}" for key, value in point.items()}, "by": trained}
        for kind, points in content.items()
        for point in points
    ]  # fmt: skip
    add_rows(results, rows, 1)
    cli.say(f"{results}: {len(rows)} new rows")


if __name__ == "__main__":
    cli.run(record)
