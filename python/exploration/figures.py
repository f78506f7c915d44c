"""Draw what was found; every function writes one PNG and returns its path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np

from ..report.figure import COLORS, figure, legend
from ..report.quantity import Quantity, kinematic, with_error
from ..store import ImageSpec
from ..store.sparse import Array
from .features import cell_tables
from .monitor import Histogram

STYLES = ("solid", "dashed", "dashdot", "dotted")  # beside the colours, for those who do not see them
MIN_BINS, MAX_BINS = 10, 50  # of a spectrum
MEAN_DECADES = 4  # that the colours of a mean image span


def quantity(name: str, image: ImageSpec) -> Quantity:
    """Return the title and unit of the feature or column `name` of images of `image`."""
    cells = cell_tables(image)
    if name.startswith("cells_"):
        return Quantity(f"non-zero cells per image, {name.removeprefix('cells_')}")
    for channel in image.channels:
        if name == f"seed_{channel.name}":
            return Quantity(f"{channel.name} at the seed", channel.unit)
    known = {
        "multiplicity": Quantity("multiplicity"),
        "sum": Quantity("sum of the image", "GeV"),
        "peak": Quantity("highest cell", "GeV"),
        "width": Quantity("width: mean distance from the centroid", cells.unit),
        "rms_eta": Quantity("standard deviation in eta", cells.unit, r"standard deviation in $\eta$"),
        "rms_phi": Quantity("standard deviation in phi", cells.unit, r"standard deviation in $\phi$"),
        "image_mass": Quantity("mass of the image", "GeV"),
        "seed_row": Quantity("row of the seed in the whole ECAL"),
    }
    return known.get(name) or kinematic(name)


def file_name(*words: str) -> str:
    """Return the words as a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", "_".join(words)) + ".png"


def draw_classes(path: Path, counts: Mapping[str, Sequence[int]], classes: Sequence[str]) -> Path:
    """Draw the events of each class; `counts` is part -> events of each class."""
    with figure(path) as axes:
        positions = np.arange(len(counts))
        width = 0.8 / len(classes)
        for k, name in enumerate(classes):
            shift = (k - (len(classes) - 1) / 2) * width
            heights = [events[k] for events in counts.values()]
            bars = axes.bar(positions + shift, heights, width * 0.95, color=_color(k), label=name)
            axes.bar_label(bars, fmt="{:,.0f}", fontsize=18 if len(counts) * len(classes) < 9 else 10)
        axes.set_xticks(positions, [PurePath(part).name for part in counts], fontsize=20)
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set(ylabel="Events", ylim=(0, max(1, *(n for part in counts.values() for n in part)) * 1.07))
        legend(axes, ncols=2, fontsize=22)
    return path


def draw_feature(path: Path, values: Sequence[Array], classes: Sequence[str], label: str) -> Path:
    """Draw the spectrum of one quantity, class by class, each normalised to area 1."""
    edges = _edges(values)
    with figure(path) as axes:
        for k, (name, column) in enumerate(zip(classes, values, strict=True)):
            finite = column[np.isfinite(column)]
            counts, _ = np.histogram(np.clip(finite, edges[0], edges[-1]), edges)
            density = counts / max(counts.sum(), 1) / np.diff(edges)
            error = finite.std() / np.sqrt(len(finite)) if len(finite) else None
            mean = f", mean {with_error(finite.mean(), error)}" if len(finite) else ", no events"
            axes.stairs(density, edges, color=_color(k), ls=_style(k), linewidth=3, label=name + mean)
        axes.set(xlabel=label, ylabel="Events, normalised to area 1", xlim=(edges[0], edges[-1]))
        axes.set_ylim(bottom=0)
        legend(axes, fontsize=22)
    return path


def draw_spectrum(
    path: Path, counts: Array, events: Sequence[int], edges: Array, classes: Sequence[str], label: str
) -> Path:
    """Draw the cells of one channel; `counts` is (K, 2, bins), with negative values in [:, 1]."""
    filled = np.flatnonzero(counts.sum(axis=(0, 1)))
    first, last = (filled[0], filled[-1] + 1) if len(filled) else (0, len(edges) - 1)
    with figure(path) as axes:
        for k, name in enumerate(classes):
            for sign, remark in enumerate(("", ", negative")):
                density = counts[k, sign, first:last] / max(events[k], 1)
                if density.any() or not sign:
                    style, width = (_style(k), 3.0) if not sign else ("dotted", 2.0)
                    axes.stairs(
                        density,
                        edges[first : last + 1],
                        color=_color(k),
                        ls=style,
                        linewidth=width,
                        label=name + remark,
                    )
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="Cells per image and bin")
        legend(axes, fontsize=22)
    return path


def draw_counts(
    path: Path, seen: Histogram, samples: Sequence[tuple[str, Array]], label: str, right: str = ""
) -> Path:
    """Draw filled bins beside samples in the same bins, each normalised to 1; what is beyond is in the ends.

    Args:
        path: PNG file.
        seen: what a monitor saw, drawn as points with statistical errors.
        samples: names and counts (B + 2,), drawn as steps.
        label: of the axis.
        right: text above the axes.
    """
    seen, samples = _coarse(seen, samples)
    total = seen.counts.sum()
    every = np.sum([_inside(seen.counts), *(_inside(counts) for _, counts in samples)], axis=0)
    filled = np.flatnonzero(every)
    first, last = (filled[0], filled[-1] + 1) if len(filled) else (0, len(every))
    edges = seen.edges[first : last + 1]
    counts = _inside(seen.counts)[first:last]
    positions = np.arange(last - first + 1)  # bins of equal width on paper, as their widths span decades
    even = np.allclose(np.diff(edges), np.diff(edges)[0])
    places = edges if even else positions
    with figure(path, right=right) as axes:
        for k, (name, sample) in enumerate(samples):
            heights = _inside(sample)[first:last] / max(sample.sum(), 1)
            axes.stairs(
                heights, places, color=_color(k), ls=_style(k), linewidth=3 if k == 0 else 2, label=name
            )
        middles = (places[1:] + places[:-1]) / 2
        errors = np.sqrt(counts) / max(total, 1)
        axes.errorbar(
            *(middles, counts / max(total, 1)),
            yerr=errors,
            fmt="o",
            color="black",
            label=f"monitor, {total:,.0f}",
        )
        if not even:
            step = max(1, (len(edges) - 1) // 8)
            axes.set_xticks(positions[::step], [f"{edge:.3g}" for edge in edges[::step]], fontsize=18)
            axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set(xlabel=label, ylabel="Share of entries", xlim=(places[0], places[-1]))
        axes.set_ylim(bottom=0)
        legend(axes)
    return path


def _coarse(seen: Histogram, samples: Sequence[tuple[str, Array]]) -> tuple[Histogram, list[Any]]:
    """Join as many bins of equal width as what was seen fills in part only."""
    bins = len(seen.edges) - 1
    width = 1
    if np.allclose(np.diff(seen.edges), seen.edges[1] - seen.edges[0]):
        wanted = max(MIN_BINS, 2 * np.sqrt(seen.counts.sum()))
        width = next(k for k in range(1, bins + 1) if bins % k == 0 and bins // k <= wanted)

    def join(counts: Array) -> Array:
        return np.concatenate([counts[:1], counts[1:-1].reshape(-1, width).sum(axis=1), counts[-1:]])

    return Histogram(seen.edges[::width], join(seen.counts)), [(name, join(one)) for name, one in samples]


def _inside(counts: Array) -> Array:
    """Return (B,) of (B + 2,): the ends are added to the outermost bins."""
    inside: Array = counts[1:-1].copy()
    inside[0] += counts[0]
    inside[-1] += counts[-1]
    return inside


class Panel(NamedTuple):
    """One map over the image."""

    title: str
    values: Array  # (H, W)
    signed: bool


def mean_panels(means: Array, classes: Sequence[str]) -> list[Panel]:
    """Return the mean image of each class and the differences of `means` (K, H, W).

    With two classes that is the last minus the first, with more each class minus the mean of the classes.
    """
    signed = bool((means < 0).any())
    panels = [Panel(name, mean, signed) for name, mean in zip(classes, means, strict=True)]
    if len(classes) == 2:
        return [*panels, Panel(f"{classes[1]} - {classes[0]}", means[1] - means[0], True)]
    if len(classes) > 2:
        middle = means.mean(axis=0)
        panels += [
            Panel(f"{name} - mean", mean - middle, True) for name, mean in zip(classes, means, strict=True)
        ]
    return panels


def draw_means(path: Path, panels: Sequence[Panel], title: str, image: ImageSpec) -> Path:
    """Draw the panels side by side with logarithmic colours; `title` names channel and unit."""
    extent = [-0.5, image.width - 0.5, -0.5, image.height - 0.5]
    labels = {"xlabel": r"Column, along $\phi$", "ylabel": r"Row, along $\eta$"}
    if image.grid.half_widths is not None:
        eta, phi = image.grid.half_widths
        extent = [-phi, phi, -eta, eta]
        labels = {"xlabel": r"$\Delta\phi$ (rad)", "ylabel": r"$\Delta\eta$"}
    top = max((float(panel.values.max()) for panel in panels[: len(panels) // 2 + 1]), default=1.0)
    with figure(path, columns=len(panels)) as several:
        for axes, panel in zip(np.atleast_1d(several), panels, strict=True):
            norm, colors = _scale(panel, top)
            drawn = axes.imshow(panel.values, origin="lower", extent=extent, norm=norm, cmap=colors)
            axes.set(**labels)
            axes.text(
                0.04,
                0.96,
                panel.title,
                transform=axes.transAxes,
                va="top",
                fontsize=28,
                bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none"},
            )
            axes.figure.colorbar(drawn, ax=axes, label=title, fraction=0.046, pad=0.02)
    return path


def _scale(panel: Panel, top: float) -> tuple[Any, str]:
    """Return the colours of a panel: logarithmic from 0, or for signed values on both sides of it."""
    from matplotlib.colors import LogNorm, SymLogNorm

    if not panel.signed:
        top = top if top > 0 else 1.0
        return LogNorm(top / 10**MEAN_DECADES, top, clip=True), "viridis"
    reach = float(np.abs(panel.values).max()) or 1.0
    return SymLogNorm(10 ** np.floor(np.log10(reach / 30)), vmin=-reach, vmax=reach), "RdBu_r"


def _edges(values: Sequence[Array]) -> Array:
    """Return bins from the 0.1 to the 99.9 % quantile of all values; of whole width for whole numbers."""
    bins = int(np.clip(np.sqrt(min(len(column) for column in values)) * 2, MIN_BINS, MAX_BINS))
    every = np.concatenate([column[np.isfinite(column)] for column in values])
    if not len(every):
        return np.linspace(0, 1, bins + 1)
    low, high = np.quantile(every, [0.001, 0.999])
    if (every == np.round(every)).all():
        step = max(1, int(np.ceil((high - low + 1) / bins)))
        return np.arange(np.floor(low), high + step + 1, step) - 0.5
    return np.linspace(low, high, bins + 1) if high > low else low + np.linspace(-0.5, 0.5, bins + 1)


def _color(k: int) -> str:
    return COLORS[k % len(COLORS)]


def _style(k: int) -> str:
    return STYLES[k % len(STYLES)]
