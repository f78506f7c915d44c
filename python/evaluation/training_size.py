"""AUC against the number of training events, for several ways to train, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

from ..auc import auc
from ..inference.scoring import Scores
from ..report.figure import COLORS, figure, legend
from ..report.quantity import with_error
from .physics import compare_scores


class Point(NamedTuple):
    """What runs of one kind reach with so many training events; see `summarise`."""

    events: int
    auc: float
    """Mean over the runs."""
    error: float
    """Statistical error of one run: they are judged on the same events."""
    spread: float
    """Standard deviation over the runs; 0 for one."""
    difference: float
    """Mean difference from the first kind; 0 for that itself."""
    difference_error: float
    """Of the paired test on the same events (DeLong), mean over the runs."""
    difference_spread: float
    """Standard deviation of the difference over the runs."""


def summarise(events: int, scores: Sequence[Scores], first: Sequence[Scores]) -> Point:
    """Return the point of runs, and how far they are from runs of the first kind on the same events.

    Args:
        events: number of training events.
        scores: of each run, on the same test events.
        first: scores of as many runs of the first kind, each trained on the events of its partner.
    """
    areas = [auc(one.labels, one.probabilities) for one in scores]
    pairs = [
        compare_scores((mine.labels, other.labels), (mine.probabilities, other.probabilities))
        for mine, other in zip(scores, first, strict=True)
        if mine is not other
    ]
    differences = [pair.difference for pair in pairs] or [0.0]
    return Point(
        events,
        mean(area.value for area in areas),
        mean(area.error for area in areas),
        _spread([area.value for area in areas]),
        mean(differences),
        mean(pair.error for pair in pairs) if pairs else 0.0,
        _spread(differences),
    )


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def draw_training_size(path: Path, found: Mapping[str, list[Point]], right: str = "") -> Path:
    """Draw the AUC of each kind against the number of training events, with the spread of its runs."""
    with figure(path, right) as axes:
        for color, (name, points) in zip(COLORS * 9, found.items(), strict=False):
            events, areas = zip(*[(point.events, point.auc) for point in points], strict=True)
            errors = [point.spread or point.error for point in points]
            axes.errorbar(events, areas, errors, color=color, marker="o", markersize=8, capsize=4, label=name)
        axes.set(xlabel="Training events", ylabel="AUC", xscale="log")
        legend(axes, "upper left")
    return path


def table(found: Mapping[str, list[Point]]) -> str:
    """Return AUCs by number of training events, one column per kind, and the differences from the first."""
    first, *others = found
    heads = [f"{name:>22}" for name in found] + [f"{f'{name} - {first}':>34}" for name in others]
    lines = [f"{'events':>10}" + "".join(heads)]
    for row in zip(*found.values(), strict=True):
        cells = [f"{with_error(point.auc, point.spread or point.error, '+-'):>22}" for point in row]
        cells += [f"{_difference(point):>34}" for point in row[1:]]
        lines.append(f"{row[0].events:>10,}" + "".join(cells))
    return "\n".join(lines)


def _difference(point: Point) -> str:
    """Return the paired difference with its error, and the spread of the seeds where there are some."""
    spread = f" (spread {point.difference_spread:.4f})" if point.difference_spread else ""
    return f"{point.difference:+.4f} +- {point.difference_error:.4f}{spread}"
