"""AUC against the number of training events, for several models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import RunError
from ..inference.run import Run
from ..report.figure import COLORS, figure, legend
from ..report.quantity import with_error


class Point(NamedTuple):
    """One run: training events, AUC of the test split, its statistical error."""

    events: int
    auc: float
    error: float


def point(events: int, run: Path) -> Point:
    """Return the AUC of an evaluated run: of the test split, or of validation where there is none.

    Raises:
        RunError: the run was not evaluated, or on neither.
    """
    found = Run(run).metrics.best_proof
    if found is None:
        raise RunError(f"{run}: was evaluated on the training split only; use a store with a test split")
    return Point(events, found.auc, found.auc_error)


def draw_training_size(path: Path, found: Mapping[str, list[Point]], right: str = "") -> Path:
    """Draw the AUC of each model against the number of training events."""
    with figure(path, right) as axes:
        for color, (name, points) in zip(COLORS * 9, found.items(), strict=False):
            events, areas, errors = zip(*points, strict=True)
            axes.errorbar(events, areas, errors, color=color, marker="o", markersize=8, label=name)
        axes.set(xlabel="Training events", ylabel="AUC", xscale="log")
        legend(axes, "upper left")
    return path


def table(found: Mapping[str, list[Point]]) -> str:
    """Return AUC and error by number of training events, one column per model."""
    lines = [f"{'events':>10}" + "".join(f"{name:>20}" for name in found)]
    for row in zip(*found.values(), strict=True):
        cells = "".join(f"{with_error(point.auc, point.error, '+-'):>20}" for point in row)
        lines.append(f"{row[0].events:>10,}{cells}")
    return "\n".join(lines)
