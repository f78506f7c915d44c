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
from ..report.figure import COLORS, figure, legend
from ..report.quantity import kinematic

BINS = 6
LEAST_EVENTS = 20  # of each class, for an AUC in a bin
TOYS = 200  # for the error of a divergence
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
        The densities before and after with their errors, and the Jensen-Shannon divergence (bits) between the
        two shapes: that of chance where the cut does not sculpt.
    """
    background = labels != probabilities.shape[1] - 1
    scores, chosen = signal_scores(probabilities)[background], values[background].astype(np.float64)
    passed = scores >= np.quantile(scores, 1 - efficiency)
    edges = np.histogram_bin_edges(np.clip(chosen, *np.quantile(chosen, [0.005, 0.995])), bins)
    before, after = (np.histogram(part, edges)[0] for part in (chosen, chosen[passed]))
    error, chance = _divergence_errors(before, after)
    return Sculpting(
        efficiency,
        tuple(edges.tolist()),
        before=_density(before, before, edges),
        after=_density(after, after, edges),
        divergence=jensen_shannon(before, after),
        divergence_error=error,
        divergence_by_chance=chance,
        before_error=_density(np.sqrt(before), before, edges),
        after_error=_density(np.sqrt(after), after, edges),
    )


def _density(heights: NDArray[Any], counts: NDArray[Any], edges: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the heights of a histogram of `counts`, normalised to its area."""
    return tuple((heights / max(counts.sum(), 1) / np.diff(edges)).tolist())


def _divergence_errors(before: NDArray[Any], after: NDArray[Any]) -> tuple[float | None, float | None]:
    """Return the spread of the divergence over toys of `after`, and its mean over random choices."""
    events = int(after.sum())
    if not events or not before.any():
        return None, None
    random = np.random.default_rng(1)
    toys = random.multinomial(events, after / events, TOYS)
    random_choices = random.multivariate_hypergeometric(before, min(events, int(before.sum())), TOYS)
    spread = np.std([jensen_shannon(before, toy) for toy in toys])
    return float(spread), float(np.mean([jensen_shannon(before, toy) for toy in random_choices]))


def jensen_shannon(p: NDArray[Any], q: NDArray[Any]) -> float:
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
        axes.set(xlabel=kinematic(name).axis, ylabel="AUC")
    return path


def draw_sculpting(path: Path, name: str, shapes: Sculpting, right: str = "") -> Path:
    """Draw the background's shape before and after the cut."""
    with figure(path, right) as axes:
        kept = f"after a cut that keeps {shapes.background_efficiency:.0%}"
        edges = np.array(shapes.edges)
        for color, shape, errors, label in (
            (COLORS[0], shapes.before, shapes.before_error, "all background"),
            (COLORS[1], shapes.after, shapes.after_error, kept),
        ):
            axes.stairs(shape, edges, color=color, linewidth=2.5, label=label)
            if errors:
                axes.errorbar((edges[1:] + edges[:-1]) / 2, shape, errors, color=color, linestyle="none")
        axes.set(
            xlabel=kinematic(name).axis, ylabel="Events, normalised to area 1", xlim=(edges[0], edges[-1])
        )
        axes.set_ylim(bottom=0)
        legend(axes)
    return path


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
