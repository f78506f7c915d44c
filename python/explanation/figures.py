"""Draw maps of relevance, and curves; every function writes one PNG and returns its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..report.figure import COLORS, figure, legend
from ..store import ImageSpec
from .curves import FRACTIONS, Curve

Array = NDArray[Any]
DECADES = 3  # that the colours of an image span


def draw_event(path: Path, image: Array, maps: Mapping[str, Array], spec: ImageSpec, right: str) -> Path:
    """Draw an image (C, H, W), its first channel, beside maps (H, W) of methods."""
    with figure(path, right, columns=1 + len(maps)) as axes:
        channel = spec.channels[0]
        panel(axes[0], image[0], f"{channel.name} ({channel.unit})", signed=False)
        for one, (name, values) in zip(axes[1:], maps.items(), strict=True):
            panel(one, values, name.replace("_", " "), signed=bool((values < 0).any()))
    return path


def draw_maps(path: Path, maps: Mapping[str, Array], right: str) -> Path:
    """Draw maps (H, W) side by side, by title."""
    with figure(path, right, columns=len(maps)) as several:
        for axes, (name, values) in zip(np.atleast_1d(several), maps.items(), strict=True):
            panel(axes, values, name.replace("_", " "), signed=bool((values < 0).any()))
    return path


def panel(axes: Any, values: Array, title: str, signed: bool) -> None:
    """Draw one map: red speaks for the class, blue against it; what is never negative has its own colours."""
    from matplotlib.colors import LogNorm, SymLogNorm

    top = float(np.abs(values).max()) or 1.0
    norm = SymLogNorm(top / 30, vmin=-top, vmax=top) if signed else LogNorm(top / 10**DECADES, top, clip=True)
    drawn = axes.imshow(values, origin="lower", norm=norm, cmap="RdBu_r" if signed else "viridis")
    axes.set(xlabel=r"Column, along $\phi$", ylabel=r"Row, along $\eta$")
    box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none"}
    axes.text(0.04, 0.96, title, transform=axes.transAxes, va="top", fontsize=24, bbox=box)
    axes.figure.colorbar(drawn, ax=axes, fraction=0.046, pad=0.02)


def draw_curves(path: Path, curves: Mapping[str, Curve], what: str, right: str) -> Path:
    """Draw mean and standard error of curves; `what` names the axis of the fraction."""
    with figure(path, right) as axes:
        for color, (name, curve) in zip(COLORS, curves.items(), strict=False):
            dashed = "dashed" if name == "random" else "solid"
            axes.plot(FRACTIONS, curve.mean, color=color, linestyle=dashed, label=name.replace("_", " "))
            low, high = curve.mean - curve.error, curve.mean + curve.error
            axes.fill_between(FRACTIONS, low, high, color=color, alpha=0.3, linewidth=0)
        axes.set(xlabel=what, ylabel="Mean probability of the class", xlim=(0, 1), ylim=(0, 1.02))
        legend(axes)
    return path


def draw_follows(
    path: Path, titles: Sequence[str], values: Array, labels: Array, scores: Array, classes: Sequence[str]
) -> Path:
    """Draw the mean score of the last class in bins of quantities (N, Q), side by side, by true class."""
    with figure(path, columns=len(titles)) as several:
        for axes, name, column in zip(np.atleast_1d(several), titles, values.T, strict=True):
            fine = np.isfinite(column)
            edges = np.unique(np.quantile(column[fine], np.linspace(0, 1, 9)))
            for color, k in zip(COLORS, np.unique(labels), strict=False):
                chosen = fine & (labels == k)
                bins = np.clip(np.searchsorted(edges, column[chosen], "right") - 1, 0, len(edges) - 2)
                counts = np.bincount(bins, minlength=len(edges) - 1)
                full = counts > 1
                means = np.bincount(bins, scores[chosen], len(edges) - 1)[full] / counts[full]
                squares = np.bincount(bins, scores[chosen] ** 2, len(edges) - 1)[full] / counts[full]
                errors = np.sqrt(np.maximum(squares - means**2, 0) / (counts[full] - 1))
                middle = (edges[1:] + edges[:-1])[full] / 2
                label = classes[k] if k >= 0 else "all"
                axes.errorbar(middle, means, errors, marker="o", color=color, label=label)
            axes.set(xlabel=name, ylabel=f"Mean score, {classes[-1]}", ylim=(0, 1.02))
            legend(axes)
    return path
