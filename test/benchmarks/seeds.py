#!/usr/bin/env python3
"""Compare two models over seeds on the same test events, and append the result to a table.

    test/benchmarks/seeds.py --first RUN,RUN,RUN --second RUN,RUN,RUN --results FILE.csv

The runs of one place in both lists belong together. The error of the events is that of the paired test
(DeLong), averaged over seeds and not divided by their root, since all seeds see the same test events; the
spread of the seeds stands beside it.
"""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from RecoE2E.ParticleViT.commands import cli

HERE = Path(__file__).parent


def compare(first: str, second: str, results: Path, store: Path | None = None, commit: str = "") -> None:
    """Compare runs over seeds.

    Args:
        first: Run folders, with commas between.
        second: As many run folders of another model, on the same events.
        results: CSV file that gets one row.
        store: Folder of images to compare on; by default that of the training.
        commit: Commit that trained the runs; by default that of this checkout.
    """
    from RecoE2E.ParticleViT.evaluation.cost import machine
    from RecoE2E.ParticleViT.evaluation.physics import compare_scores

    mine, theirs = ([scores(Path(name), store) for name in words.split(",")] for words in (first, second))
    pairs = [
        compare_scores((a.labels, b.labels), (a.probabilities, b.probabilities))
        for a, b in zip(mine, theirs, strict=True)
    ]
    row: dict[str, Any] = {"events": pairs[0].events, "seeds": len(pairs)}
    for name, found, words in (("first", mine, first), ("second", theirs, second)):
        areas = [area(one) for one in found]
        row |= {name: model(words), f"{name}_auc": f"{mean(areas):.5f}", f"{name}_spread": spread(areas)}
    differences = [pair.difference for pair in pairs]
    row |= {"difference": f"{mean(differences):+.5f}", "difference_spread": spread(differences)}
    row |= {"difference_error": f"{mean(pair.error for pair in pairs):.5f}"}
    row |= {"sample": str(store.name) if store else "test split", "repetitions": len(pairs)}
    row |= {
        "command": f"test/benchmarks/seeds.py --first {short(first)} --second {short(second)}",
        "commit": commit or _commit(),
        "machine": machine("cpu").processor,
    }
    results.parent.mkdir(parents=True, exist_ok=True)
    new = not results.exists()
    with results.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    cli.say("\n".join(f"{key}: {value}" for key, value in row.items()))


def scores(run: Path, store: Path | None) -> Any:
    """Return the scores of a run on the split that proves it."""
    from RecoE2E.ParticleViT.evaluation.evaluate import score_run
    from RecoE2E.ParticleViT.inference.run import Run

    return score_run(Run(run), store)


def area(found: Any) -> float:
    """Return the AUC of scores."""
    from RecoE2E.ParticleViT.auc import auc

    return float(auc(found.labels, found.probabilities).value)


def model(runs: str) -> str:
    """Return the name of the model of the first of the runs."""
    from RecoE2E.ParticleViT.inference.run import Run

    return str(Run(Path(runs.split(",")[0])).recipe.model.name)


def short(runs: str) -> str:
    """Return run folders without their parents."""
    return ",".join(Path(name).name for name in runs.split(","))


def spread(values: list[float]) -> str:
    """Return the standard deviation over seeds, nothing for one seed."""
    return f"{stdev(values):.5f}" if len(values) > 1 else ""


def _commit() -> str:
    words = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    cli.run(compare)
