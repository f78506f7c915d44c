#!/usr/bin/env python3
"""Append trained runs to a table of results, one row each, with the command that repeats it.

    test/benchmarks/runs.py --runs RUN,RUN --results test/benchmarks/results/sparse_search.csv [--note TEXT]

A run that the table has already is left out.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.errors import RunError

HERE = Path(__file__).parent


def record(runs: str, results: Path, note: str = "", commit: str = "") -> None:
    """Append runs to a CSV file.

    Args:
        runs: Run folders, with commas between.
        results: The file.
        note: What the runs were made for.
        commit: Commit that trained them; by default that of this checkout.
    """
    from RecoE2E.ParticleViT.evaluation.cost import machine

    known = []
    if results.exists():
        with results.open(newline="", encoding="utf-8") as file:
            known = list(csv.DictReader(file))
    commit = commit or _commit()
    processor = machine("cpu").processor
    rows = [
        row(Path(name)) | {"note": note, "commit": commit, "machine": processor} for name in runs.split(",")
    ]
    recorded = {(old["command"], old["commit"]) for old in known}  # of a later commit it is another training
    new = [one for one in rows if (one["command"], one["commit"]) not in recorded]
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows([*known, *new])
    cli.say(f"{results}: {len(new)} new rows")


def row(run: Path) -> dict[str, Any]:
    """Return what a table says about one run."""
    from RecoE2E.ParticleViT.inference.run import Run

    found = Run(run)
    recipe, metrics = found.recipe, found.metrics
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        epochs = list(csv.DictReader(file))
    best = max(float(epoch["validation_auc"]) for epoch in epochs)
    test = metrics.test
    if test is None:
        msg = f"{run}: has no test split; use a store with one"
        raise RunError(msg)
    changed = changes(recipe)
    return {
        "sample": recipe.name,
        "model": recipe.model.name,
        "changes": json.dumps({k: v for k, v in changed.items() if k not in ("model.name", "training.seed")}),
        "seed": recipe.training.seed,
        "training_events": recipe.training.limit or found.events().store.events("train"),
        "epochs": len(epochs),
        "images_per_second": f"{metrics.training.images_per_second:.0f}",
        "validation_auc": f"{best:.5f}",
        "test_auc": f"{test.auc:.5f}",
        "test_auc_error": f"{test.auc_error:.5f}",
        "parameters": metrics.model.parameters,
        "mflop": f"{metrics.model.flops_per_event / 1e6:.2f}",
        "repetitions": 1,
        "command": command(recipe.name, changed),
    }


def changes(recipe: Any) -> dict[str, Any]:
    """Return the dotted keys in which a recipe differs from the built-in one of its name and model."""
    from RecoE2E.ParticleViT.models.registry import with_all_options
    from RecoE2E.ParticleViT.recipe import load_recipe

    built_in = load_recipe(recipe.name, {"model.name": recipe.model.name})
    built_in = dataclasses.replace(built_in, model=with_all_options(built_in.model))
    free = ("training.threads",)
    theirs, mine = (_flat(dataclasses.asdict(one)) for one in (built_in, recipe))
    changed = {key: value for key, value in mine.items() if theirs.get(key) != value and key not in free}
    for key in {"training.start", "training.teacher"} & set(changed):
        changed[key] = Path(changed[key]).name  # not where it lies on this machine
    default = load_recipe(recipe.name).model.name
    return ({} if recipe.model.name == default else {"model.name": recipe.model.name}) | changed


def command(name: str, changed: dict[str, Any]) -> str:
    """Return the command line that trains with these changes to the recipe `name`."""
    words = ["scripts/train.py", "--recipe", name, "--store", "STORE", "--run", "RUN"]
    for key, value in {**changed, "training.threads": 1}.items():
        words += [f"--{key}", value if isinstance(value, str) else json.dumps(value)]
    return shlex.join(words)


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        inner = isinstance(value, dict) and value and prefix + key not in ("inputs", "image")
        flat |= _flat(value, f"{prefix}{key}.") if inner else {prefix + key: value}
    return flat


def _commit() -> str:
    words = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    cli.run(record)
