#!/usr/bin/env python3
"""Draw runs of results/robustness.csv: a panel per perturbation, mean and spread of runs of other seeds.

    test/benchmarks/robustness_figure.py --runs 'NAME=RUN,RUN' 'NAME, retrained=RUN,RUN' --output FIGURE.png

A retrained model has the colour of the one before it and a dashed line. Prints the same as a table.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.evaluation.robustness import LABELS
from RecoE2E.ParticleViT.files import atomic_path
from RecoE2E.ParticleViT.report.figure import COLORS

TABLE = Path(__file__).parent / "results" / "robustness.csv"
RETRAINED = ", retrained"
Curves = dict[str, dict[float, list[float]]]  # perturbation -> strength -> AUC of each run


def draw(runs: Sequence[str], output: Path, scans: Path = TABLE) -> None:
    """Draw scans and print them.

    Args:
        runs: Name and runs of each model, 'NAME=RUN,RUN'.
        output: PNG file to write.
        scans: CSV file of scans.
    """
    groups = {name: read(scans, names.split(",")) for name, _, names in (one.partition("=") for one in runs)}
    plot(groups, output)
    cli.say(markdown(groups))


def read(scans: Path, runs: Sequence[str]) -> Curves:
    """Return the AUCs of runs; the last scan of a run counts."""
    found: dict[tuple[str, str, float], float] = {}
    with scans.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["run"], row["perturbation"], float(row["strength"])] = float(row["auc"])
    curves: Curves = {}
    for run in runs:
        mine = {key[1:]: area for key, area in found.items() if key[0] == run}
        if not mine:
            raise InputError(f"{scans}: has no run '{run}'")
        for (kind, strength), area in mine.items():
            curves.setdefault(kind, {}).setdefault(strength, []).append(area)
    return curves


def plot(groups: dict[str, Curves], output: Path) -> None:
    """Draw a panel per perturbation, and the legend in one more."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    kinds = list(next(iter(groups.values())))
    colors = iter(COLORS * 9)
    with plt.style.context({"font.size": 12, "axes.grid": True, "grid.alpha": 0.3}):
        drawing, axes = plt.subplots(2, 3, figsize=(15, 8.5), layout="constrained")
        color = ""
        for name, curves in groups.items():
            retrained = name.endswith(RETRAINED)
            color = color if retrained else next(colors)
            for panel, kind in zip(axes.flat, kinds, strict=False):
                strengths = sorted(curves[kind])
                areas = [curves[kind][one] for one in strengths]
                means, spreads = [np.mean(one) for one in areas], [np.std(one) for one in areas]
                panel.errorbar(
                    strengths, means, spreads, color=color, marker="os"[retrained], markersize=4, capsize=2,
                    linestyle="--" if retrained else "-", label=name,
                )  # fmt: skip
                panel.set(xlabel=LABELS[kind], ylabel="AUC")
                if kind == "noise":
                    panel.set_xscale("symlog", linthresh=0.01)
        handles, names = axes.flat[0].get_legend_handles_labels()
        axes.flat[-1].axis("off")
        axes.flat[-1].legend(handles, names, loc="center", frameon=False)
        with atomic_path(output) as partial:
            drawing.savefig(partial, dpi=80, format="png")
        plt.close(drawing)


def markdown(groups: dict[str, Curves]) -> str:
    """Return mean and, of several runs, spread as a table."""
    lines = ["| perturbation | " + " | ".join(groups) + " |", "|---" * (len(groups) + 1) + "|"]
    for kind, strengths in next(iter(groups.values())).items():
        for strength in sorted(strengths):
            cells = [_cell(curves[kind][strength]) for curves in groups.values()]
            lines.append(f"| {kind} {strength:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(areas: list[float]) -> str:
    spread = f" ± {np.std(areas, ddof=1):.4f}" if len(areas) > 1 else ""
    return f"{np.mean(areas):.4f}{spread}"


if __name__ == "__main__":
    cli.run(draw)
