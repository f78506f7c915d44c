#!/usr/bin/env python3
"""Draw runs of results/robustness.csv: a panel per perturbation, mean and spread of runs of other seeds.

    test/benchmarks/robustness_figure.py --runs 'NAME=RUN,RUN' 'NAME, retrained=RUN,RUN' --output FIGURE.png

A retrained model has the colour of the one before it and a dashed line. Prints the same as a table.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.errors import InputError, suggest
from RecoE2E.ParticleViT.evaluation.robustness import LABELS
from RecoE2E.ParticleViT.files import atomic_path
from RecoE2E.ParticleViT.report.figure import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    groups: dict[str, Curves] = {}
    for one in runs:
        name, equals, names = one.partition("=")
        if not equals or name in groups:
            raise InputError(f"--runs '{one}': give NAME=RUN,RUN, each NAME once")
        groups[name] = read(scans, [run.strip() for run in names.split(",")])
    plot(groups, output)
    cli.say(markdown(groups))


def read(scans: Path, runs: Sequence[str]) -> Curves:
    """Return the AUCs of runs; the last scan of a run counts."""
    found: dict[tuple[str, str, float], float] = {}
    if not scans.is_file():
        raise InputError(f"{scans}: no such file; give one that test/benchmarks/robustness.py wrote")
    with scans.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["run"], row["perturbation"], float(row["strength"])] = float(row["auc"])
    curves: Curves = {}
    for run in runs:
        mine = {key[1:]: area for key, area in found.items() if key[0] == run}
        if not mine:
            known = {key[0] for key in found}
            raise InputError(f"{scans}: has no run '{run}', which robustness.py adds; {suggest(run, known)}")
        for (kind, strength), area in mine.items():
            curves.setdefault(kind, {}).setdefault(strength, []).append(area)
    return curves


def kinds_of(groups: dict[str, Curves]) -> list[str]:
    """Return the perturbations that any model was scanned for, in the order of `robustness`."""
    return [kind for kind in LABELS if any(kind in curves for curves in groups.values())]


def plot(groups: dict[str, Curves], output: Path) -> None:
    """Draw a panel per perturbation, and the legend in one more."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    kinds, colors, color = kinds_of(groups), iter(COLORS * 9), COLORS[0]
    with plt.style.context({"font.size": 12, "axes.grid": True, "grid.alpha": 0.3}):
        rows = math.ceil((len(kinds) + 1) / 3)
        drawing, axes = plt.subplots(rows, 3, figsize=(15, 4.25 * rows), layout="constrained", squeeze=False)
        for name, curves in groups.items():
            color = color if name.endswith(RETRAINED) else next(colors)
            for panel, kind in zip(axes.flat, kinds, strict=False):
                _curve(panel, name, color, curves.get(kind, {}))
                panel.set(xlabel=LABELS[kind], ylabel="AUC")
                if kind == "noise":
                    panel.set_xscale("symlog", linthresh=0.01)
        for panel in axes.flat[len(kinds) :]:
            panel.axis("off")
        axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", frameon=False)
        with atomic_path(output) as partial:
            drawing.savefig(partial, dpi=80, format="png")
        plt.close(drawing)


def _curve(panel: Axes, name: str, color: str, areas: dict[float, list[float]]) -> None:
    retrained = name.endswith(RETRAINED)
    strengths = sorted(areas)
    spread = [_spread(areas[one]) for one in strengths]
    panel.errorbar(
        strengths, [mean(areas[one]) for one in strengths], spread if any(spread) else None,
        color=color, marker="os"[retrained], markersize=4, capsize=2, linestyle="--" if retrained else "-",
        label=name,
    )  # fmt: skip


def markdown(groups: dict[str, Curves]) -> str:
    """Return mean and, of several runs, spread as a table."""
    lines = ["| perturbation | " + " | ".join(groups) + " |", "|---" * (len(groups) + 1) + "|"]
    for kind in kinds_of(groups):
        for strength in sorted({one for curves in groups.values() for one in curves.get(kind, {})}):
            cells = [_cell(curves.get(kind, {}).get(strength, [])) for curves in groups.values()]
            lines.append(f"| {kind} {strength:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(areas: list[float]) -> str:
    if not areas:
        return "-"
    return f"{mean(areas):.4f}" + (f" ± {_spread(areas):.4f}" if len(areas) > 1 else "")


def _spread(areas: list[float]) -> float:
    return stdev(areas) if len(areas) > 1 else 0.0


if __name__ == "__main__":
    cli.run(draw)
