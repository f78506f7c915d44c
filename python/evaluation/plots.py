"""Figures of a run, in CMS style: what is drawn is computed apart from how it is drawn.

Every `draw_*` function takes numbers, writes one PNG and returns its path.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..auc import Floats, Integers, auc, signal_scores
from ..report.figure import COLORS, figure, legend
from ..report.quantity import with_error
from .metrics import Roc, roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_POINTS = 2000  # of a curve; more cannot be seen


class Curve(NamedTuple):
    """A ROC curve ready to draw."""

    label: str
    """Entry of the legend."""
    signal: NDArray[np.float64]
    """Signal efficiencies."""
    background: NDArray[np.float64]
    """Background efficiencies at them."""


class Scores(NamedTuple):
    """Score distributions of each class, as densities."""

    title: str
    """What the score is."""
    edges: NDArray[np.float64]
    """Edges of the bins."""
    densities: dict[str, NDArray[np.float64]]
    """Class name -> fraction of its events per unit of score."""


def roc_curves(labels: Integers, probabilities: Floats, classes: Sequence[str]) -> list[Curve]:
    """Return the signal's curve, or with more than two classes one per class against the rest."""
    if len(classes) == 2:
        names = {1: f"{classes[1]} against {classes[0]}"}
    else:
        names = {k: f"{name} against the rest" for k, name in enumerate(classes)}
    curves = []
    for k, name in names.items():
        scores = signal_scores(probabilities, k)
        area = auc((labels == k).astype(np.int64), np.stack([1 - scores, scores], axis=1))
        label = f"{name}, AUC = {with_error(area.value, area.error)}"
        curves.append(thin_curve(label, roc(labels == k, scores)))
    return curves


def thin_curve(label: str, curve: Roc) -> Curve:
    """Keep at most MAX_POINTS points, evenly spaced in signal efficiency."""
    targets = np.linspace(0, 1, MAX_POINTS)
    picks = np.unique(np.searchsorted(curve.signal, targets).clip(0, len(curve.signal) - 1))
    return Curve(label, curve.signal[picks], curve.background[picks])


def score_distributions(
    labels: Integers, probabilities: Floats, classes: Sequence[str], signal: int = -1, bins: int = 40
) -> Scores:
    """Histogram the score of class `signal` for the events of each class."""
    edges = np.linspace(0, 1, bins + 1)
    scores = signal_scores(probabilities, signal)
    densities = {}
    for k, name in enumerate(classes):
        counts, _ = np.histogram(scores[labels == k], edges)
        densities[name] = counts / max(counts.sum(), 1) * bins
    return Scores(f"Probability of {classes[signal]}", edges, densities)


def draw_roc(path: Path, curves: Sequence[Curve], right: str = "") -> Path:
    """Draw background efficiency against signal efficiency."""
    with figure(path, right) as axes:
        for color, curve in zip(COLORS * 9, curves, strict=False):
            axes.plot(curve.signal, curve.background, color=color, label=curve.label)
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
        axes.set(xlabel="Signal efficiency", ylabel="Background efficiency", xlim=(0, 1), ylim=(0, 1))
        legend(axes, "upper left")
    return path


def draw_rejection(path: Path, curves: Sequence[Curve], right: str = "") -> Path:
    """Draw background rejection, 1 / background efficiency, against signal efficiency."""
    with figure(path, right) as axes:
        for color, curve in zip(COLORS * 9, curves, strict=False):
            seen = curve.background > 0
            axes.plot(curve.signal[seen], 1 / curve.background[seen], color=color, label=curve.label)
        chance = np.linspace(0.02, 1, 99)
        axes.plot(chance, 1 / chance, color="grey", linestyle=":", label="chance")
        axes.set(xlabel="Signal efficiency", ylabel="Background rejection", xlim=(0, 1), yscale="log")
        axes.set_ylim(bottom=1)
        legend(axes)
    return path


def draw_scores(path: Path, scores: Scores, right: str = "") -> Path:
    """Draw the score distribution of each class."""
    with figure(path, right) as axes:
        for color, (name, density) in zip(COLORS * 9, scores.densities.items(), strict=False):
            axes.stairs(density, scores.edges, color=color, linewidth=2.5, label=name)
        axes.set(xlabel=scores.title, ylabel="Events, normalised to area 1")
        axes.set(xlim=(0, 1), ylim=(0, None))
        legend(axes, "upper center", ncols=2)
    return path


def draw_confusion(path: Path, matrix: NDArray[np.float64], classes: Sequence[str], right: str = "") -> Path:
    """Draw the confusion matrix (K true, K predicted)."""
    with figure(path, right) as axes:
        axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*matrix.shape):
            value = matrix[row, column]
            color = "white" if value > 0.5 else "black"
            axes.text(column, row, f"{value:.3f}", ha="center", va="center", color=color, fontsize=22)
        axes.set_xticks(range(len(classes)), classes, rotation=30, ha="right")
        axes.set_yticks(range(len(classes)), classes)
        axes.minorticks_off()
        axes.set(xlabel="Likeliest class", ylabel="True class")
    return path


def draw_history(path: Path, history: dict[str, NDArray[np.float64]], right: str = "") -> Path:
    """Draw loss and AUC of training and validation against the epoch; columns as in history.csv."""
    from matplotlib.ticker import MaxNLocator

    with figure(path, right, columns=2) as (loss, area):
        _lines(loss, history, {"train_loss": "training", "validation_loss": "validation"})
        loss.set(xlabel="Epoch", ylabel="Cross entropy per event")
        _lines(area, history, {"train_auc": "training", "validation_auc": "validation"})
        area.set(xlabel="Epoch", ylabel="AUC")
        for axes in (loss, area):
            axes.set_xlim(history["epoch"].min() - 0.5, history["epoch"].max() + 0.5)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.xaxis.minorticks_off()
            legend(axes)
    return path


def _lines(axes: Axes, history: dict[str, NDArray[np.float64]], names: dict[str, str]) -> None:
    epochs = history["epoch"]
    for color, (column, label) in zip(COLORS, names.items(), strict=False):
        values = history.get(column, np.array([]))
        seen = np.isfinite(values)
        if seen.any():
            axes.plot(epochs[seen], values[seen], color=color, marker="o", markersize=6, label=label)
