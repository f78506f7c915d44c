"""How a classifier does across phase space, and what a cut on it does to the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from ..auc import Floats, Integers, auc, auc_difference, signal_scores
from ..errors import StoreError
from ..inference.metrics import Bin, PhaseSpace, Sculpting
from ..report.figure import COLORS, figure

BINS = 6
LEAST_EVENTS = 20  # of each class, for an AUC in a bin
UNITS = {"pt": "GeV", "mass": "GeV", "m": "GeV", "m0": "GeV", "energy": "GeV", "phi": "rad"}
KINEMATIC = ("pt", "eta", "ieta", "mass", "m", "m0")  # the columns that are looked at, where a store has them
SCULPTED = ("mass", "m", "m0", "pt")  # where a cut should leave the shape of the background


def auc_in_bins(
    labels: Integers, probabilities: Floats, values: NDArray[Any], bins: int = BINS
) -> tuple[Bin, ...]:
    """Return AUC and error in bins of equal numbers of events.

    Args:
        labels: true classes (N,).
        probabilities: probabilities (N, K).
        values: column that is binned (N,).
        bins: number of bins; those with fewer than 20 events of a class are left out.
    """
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    result = []
    for low, high in pairwise(edges):
        inside = (values >= low) & ((values < high) | (high == edges[-1]))
        counts = np.bincount(labels[inside], minlength=probabilities.shape[1])
        if counts.min() < LEAST_EVENTS:
            continue
        area = auc(labels[inside], probabilities[inside])
        result.append(Bin(float(low), float(high), int(inside.sum()), area.value, area.error))
    return tuple(result)


def sculpting(
    labels: Integers, probabilities: Floats, values: NDArray[Any], efficiency: float = 0.1, bins: int = 20
) -> Sculpting:
    """Return the background's shape in a column before and after a cut that keeps a fraction of it.

    Returns:
        edges, before and after (densities), and the Jensen-Shannon divergence (bits) between the two shapes:
        0 where the cut does not sculpt.
    """
    background = labels != probabilities.shape[1] - 1
    scores, chosen = signal_scores(probabilities)[background], values[background].astype(np.float64)
    passed = scores >= np.quantile(scores, 1 - efficiency)
    edges = np.histogram_bin_edges(np.clip(chosen, *np.quantile(chosen, [0.005, 0.995])), bins)
    shapes = [np.histogram(part, edges)[0].astype(float) for part in (chosen, chosen[passed])]
    before, after = (shape / max(shape.sum(), 1) for shape in shapes)
    width = np.diff(edges)
    first, second = (tuple((shape / width).tolist()) for shape in (before, after))
    return Sculpting(efficiency, tuple(edges.tolist()), first, second, jensen_shannon(before, after))


def jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Return the Jensen-Shannon divergence of two discrete distributions in bits (J. Lin 1991).

    SciPy's function is its square root, the distance. An empty one has nothing in common with the other.
    """
    if not (p.any() and q.any()):
        return 1.0
    return float(jensenshannon(p, q, base=2) ** 2)


def phase_space(labels: Integers, probabilities: Floats, columns: Mapping[str, NDArray[Any]]) -> PhaseSpace:
    """Return the AUC in bins of each kinematic column, and the sculpting of mass or pT by a cut."""
    known = {name: columns[name] for name in KINEMATIC if name in columns}
    usable = {
        name: values for name, values in known.items() if np.isfinite(values).all() and np.ptp(values) > 0
    }
    return PhaseSpace(
        auc_in_bins={name: auc_in_bins(labels, probabilities, values) for name, values in usable.items()},
        sculpting={
            name: sculpting(labels, probabilities, values)
            for name, values in usable.items()
            if name in SCULPTED
        },
    )


def draw_bins(path: Path, name: str, bins: Sequence[Bin], right: str = "") -> Path:
    """Draw the AUC against a column."""
    with figure(path, right) as axes:
        centres = [(one.low + one.high) / 2 for one in bins]
        half = [(one.high - one.low) / 2 for one in bins]
        axes.errorbar(centres, [one.auc for one in bins], [one.auc_error for one in bins], half,
                      linestyle="none", marker="o", color=COLORS[0])  # fmt: skip
        axes.set(xlabel=axis_label(name), ylabel="AUC")
    return path


def draw_sculpting(path: Path, name: str, shapes: Sculpting, right: str = "") -> Path:
    """Draw the background's shape before and after the cut."""
    with figure(path, right) as axes:
        kept = f"after a cut that keeps {shapes.background_efficiency:.0%}"
        for color, shape, label in (
            (COLORS[0], shapes.before, "all background"),
            (COLORS[1], shapes.after, kept),
        ):
            axes.stairs(shape, shapes.edges, color=color, linewidth=2.5, label=label)
        axes.set(xlabel=axis_label(name), ylabel="Events, normalised to area 1")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
        axes.legend(loc="upper right", fontsize=20)
    return path


def axis_label(name: str) -> str:
    """Return a column's name with its unit."""
    return f"{name} ({UNITS[name]})" if name in UNITS else name


class Comparison(NamedTuple):
    """Two runs on the same events: DeLong's paired test of the first one's AUC against the second's."""

    events: int
    auc: tuple[float, float]
    difference: float
    error: float
    p_value: float


def compare_scores(labels: tuple[Integers, Integers], probabilities: tuple[Floats, Floats]) -> Comparison:
    """Compare two runs on the same events by DeLong's paired test.

    Raises:
        StoreError: the events are not the same.
    """
    if not np.array_equal(*labels):
        raise StoreError(
            "the two runs were scored on different events; compare them on one store with --store STORE"
        )
    first, second = (auc(labels[0], one).value for one in probabilities)
    found = auc_difference(labels[0], *probabilities)
    return Comparison(len(labels[0]), (first, second), found.value, found.error, found.p_value)
