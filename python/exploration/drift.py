"""What a monitor saw beside the training sample: a two-sample test for each histogram, and a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..files import make_folder
from ..geometry.status import MEANING
from ..report.page import Page
from ..store import Store, open_store
from ..store.sparse import Array
from . import figures
from .monitor import Histogram, Maps, Monitor, plain_name, read_monitor

PAGE_FILE = "drift.html"
SPLIT = "train"
LEAST_EXPECTED = 5.0  # entries of a bin, below which the chi2 approximation is poor (Cochran, 1954)
MAX_P_VALUE = 1e-3
MAX_DISTANCE = 0.1
"""Largest distance of the cumulative distributions that passes; large samples differ by less."""
Scorer = Callable[[Array], Array]
"""Raw images (N, C, H, W) -> probabilities (N, K)."""
METHOD = (
    "Two-sample chi2 of binned counts: chi2 = sum over bins of (sqrt(M/N) n - sqrt(N/M) m)^2 / (n + m), with "
    "n and m entries of N and M in the bin and one degree of freedom less than bins (Numerical Recipes, 3rd "
    "edition, eq. 14.3.3; Gagunashvili, NIM A 614 (2010) 287; computed by scipy.stats.chi2_contingency). "
    f"Neighbouring bins are joined until each expects {LEAST_EXPECTED:g} entries. The distance is the "
    "largest difference of the cumulative distributions, its p value that of Kolmogorov and Smirnov "
    "(scipy.stats.kstwobign at distance sqrt(N M / (N + M))), which binning makes rather too large; it sees "
    "shifts that the chi2 of many bins does not. Flagged: twice the smaller p value is below "
    f"{MAX_P_VALUE:g}, and the distance above {MAX_DISTANCE:g}."
)


class Test(NamedTuple):
    """How far two histograms of one quantity differ."""

    chi2: float
    degrees: int
    p_value: float
    distance: float
    """Largest difference of the cumulative distributions."""
    p_distance: float
    """Chance of such a distance; for binned values it is rather too large."""

    @property
    def flagged(self) -> bool:
        """Whether the difference is significant by one of the two tests, and large."""
        return 2 * min(self.p_value, self.p_distance) < MAX_P_VALUE and self.distance > MAX_DISTANCE


class Training(NamedTuple):
    """The training sample in a monitor's bins."""

    counts: dict[str, Array]
    """Quantity -> (K, B + 2), class by class."""
    maps: dict[str, Maps]
    events: int


def compare(first: Array, second: Array) -> Test | None:
    """Return the test of two histograms (B,) of the same bins; None where there is too little to compare."""
    from scipy.stats import chi2_contingency, kstwobign

    totals = float(first.sum()), float(second.sum())
    if min(totals) == 0:
        return None
    distance = float(np.abs(np.cumsum(first) / totals[0] - np.cumsum(second) / totals[1]).max())
    table = joined(np.stack([first, second]))
    if table.shape[1] < 2:
        return None
    found = chi2_contingency(table, correction=False)
    chance = float(kstwobign.sf(distance * np.sqrt(totals[0] * totals[1] / sum(totals))))
    return Test(float(found.statistic), int(found.dof), float(found.pvalue), distance, chance)


def joined(table: Array) -> Array:
    """Join neighbouring bins of (2, B) until each expects enough entries in the smaller sample."""
    share = table.sum(axis=1).min() / table.sum()
    bins: list[Array] = []
    rest = np.zeros(len(table))
    for column in table.T:
        rest = rest + column
        if rest.sum() * share >= LEAST_EXPECTED:
            bins.append(rest)
            rest = np.zeros(len(table))
    if bins:
        bins[-1] = bins[-1] + rest
    return np.array(bins).T if bins else rest[:, None]


def training_histograms(
    store: Store, monitor: Monitor, score: Scorer | None = None, limit: int = 0
) -> Training:
    """Fill the monitor's histograms with the store's training events.

    Args:
        store: the training sample.
        monitor: gives quantities and bins.
        score: the model; None: no scores.
        limit: most events; 0: all.
    """
    classes, image = len(store.classes), store.image
    names = [name for name in monitor.histograms if _origin(name, store, score is not None) is not None]
    counts = {name: np.zeros((classes, len(monitor.histograms[name].counts))) for name in names}
    sums = np.zeros(image.shape)
    cells = np.zeros(image.shape)
    events = 0
    for block in store.blocks(SPLIT):
        read = store.read_block(SPLIT, block, [])
        left = len(read.labels) if not limit else min(limit - events, len(read.labels))
        images, labels = read.images.to_dense()[:left], read.labels[:left]
        if not left:
            break
        columns = _columns(images, None if score is None else score(images), store)
        for name in names:
            edges = monitor.histograms[name].edges
            for label in range(classes):
                counts[name][label] += fill(columns[name][labels == label], edges)
        sums += images.sum(axis=0, dtype=np.float64)
        cells += np.count_nonzero(images, axis=0)
        events += left
    maps = {
        name: Maps(sums[k] / max(events, 1), cells[k] / max(events, 1)) for k, name in enumerate(image.names)
    }
    return Training(counts, maps, events)


def fill(values: Array, edges: Array) -> Array:
    """Return the counts (B + 2,) as ROOT fills them: bins without their upper edge, beyond them the ends."""
    indices = np.searchsorted(edges, values, side="right")
    return np.bincount(indices, minlength=len(edges) + 1).astype(np.float64)


def _origin(name: str, store: Store, scored: bool) -> str | None:
    """Return what of a store a quantity is of; None where a store has not what it needs."""
    kind, _, rest = name.partition("_")
    known = {"occupancy": store.image.names, "total": store.image.names}
    if scored:
        known["score"] = tuple(store.classes)
    return next((one for one in known.get(kind, ()) if plain_name(one) == rest), None)


def _columns(images: Array, scores: Array | None, store: Store) -> dict[str, Array]:
    columns = {}
    for k, channel in enumerate(store.image.names):
        columns[f"occupancy_{plain_name(channel)}"] = np.count_nonzero(images[:, k], axis=(1, 2))
        columns[f"total_{plain_name(channel)}"] = images[:, k].sum(axis=(1, 2), dtype=np.float64)
    if scores is not None:
        for k, label in enumerate(store.classes):
            columns[f"score_{plain_name(label)}"] = np.minimum(scores[:, k], np.nextafter(np.float32(1), 0))
    return columns


def explore_monitor(file: str, store: Path, output: Path, score: Scorer | None = None, limit: int = 0) -> str:
    """Write OUTPUT/drift.html, of a monitor's file beside the training sample, and return a summary.

    Args:
        file: FILE, or FILE:LABEL/TIER.
        store: the training sample.
        output: folder of the page.
        score: the model; None: scores are not compared.
        limit: most events of the store; 0: all.

    Raises:
        InputError: a file without such images.
        StoreError: missing or damaged store.
    """
    opened = open_store(store)
    monitor = read_monitor(file, opened.image)
    if not monitor.numbers["images"]:
        raise InputError(f"{monitor.path}: no image was made in it; nothing to compare")
    training = training_histograms(opened, monitor, score, limit)
    tests = {
        name: compare(monitor.histograms[name].counts, counts.sum(axis=0))
        for name, counts in training.counts.items()
    }
    names = sorted(tests, key=lambda name: _rank(tests[name]))
    make_folder(output)
    page = Page(f"Drift: {monitor.path} beside {opened.path.name}")
    _text(page, monitor, opened, training, score is not None)
    lines = _table(page, names, tests, monitor, training)
    for name in names:
        caption = f"{name}: {_words(tests[name])}"
        page.figure(_draw(output, name, monitor.histograms[name], training, opened, monitor), caption)
    for channel, maps in monitor.maps.items():
        page.figure(*_draw_maps(output, channel, maps, training.maps[channel], opened), wide=True)
    _alone(page, output, monitor, names)
    page.write(output / PAGE_FILE)
    warnings = [f"warning: {remark}" for remark in remarks(monitor, opened)]
    return "\n".join([*warnings, *lines, f"report: {output / PAGE_FILE}"])


def remarks(monitor: Monitor, store: Store) -> list[str]:
    """Return in what the monitored images are others than the store's, before any is looked at."""
    found = {"seed cell": list(monitor.about["seed"]), "tier of the hits": monitor.about["tier"]}
    known = {"seed cell": list(store.image.seed), "tier of the hits": store.image.tier}
    return [
        f"{what}: {found[what]} in the monitor, {known[what]} in the store"
        for what in found
        if found[what] != known[what]
    ]


def _rank(test: Test | None) -> tuple[bool, float]:
    return (test is None or not test.flagged, -(test.distance if test else 0.0))


def _words(test: Test | None) -> str:
    if test is None:
        return "too few entries to compare"
    return f"DIFFERS, {_numbers(test)}" if test.flagged else _numbers(test)


def _numbers(test: Test) -> str:
    return (
        f"chi2 {test.chi2:.1f} / {test.degrees}, p {test.p_value:.2g}, "
        f"distance {test.distance:.3f}, p {test.p_distance:.2g}"
    )


def _text(page: Page, monitor: Monitor, store: Store, training: Training, scored: bool) -> None:
    numbers = ", ".join(f"{count:,} {name}" for name, count in monitor.numbers.items())
    page.text(
        f"{monitor.path}: {numbers}. Training sample: {training.events:,} events of the split {SPLIT} of "
        f"{store.path.name} ({', '.join(store.classes)})."
    )
    for remark in remarks(monitor, store):
        page.warning(remark)
    if not scored:
        page.text("Scores are not compared: that takes --run, the model that the job ran.")
    page.text(METHOD)


def _table(
    page: Page, names: list[str], tests: dict[str, Test | None], monitor: Monitor, training: Training
) -> list[str]:
    flagged = {name: test for name in names if (test := tests[name]) is not None and test.flagged}
    for name, test in flagged.items():
        page.warning(f"{name} differs from the training sample: {_numbers(test)}.")
    header = ("", "monitor", "training", "chi2", "degrees", "p", "distance", "p of it")
    rows = []
    for name in names:
        counts = int(monitor.histograms[name].counts.sum()), int(training.counts[name].sum())
        rows.append((name, *counts, *(tests[name] or (None,) * 5)))
    page.table(header, rows)
    lines = [f"{name}: {_words(tests[name])}" for name in names]
    return [f"{len(flagged)} of {len(names)} histograms differ", *lines]


def _draw(
    output: Path, name: str, seen: Histogram, training: Training, store: Store, monitor: Monitor
) -> Path:
    """Draw one quantity: what the monitor saw, and the training sample, its classes apart."""
    counts = training.counts[name]
    samples = [("training", counts.sum(axis=0))]
    samples += [(f"training, {label}", part) for label, part in zip(store.classes, counts, strict=True)]
    return figures.draw_counts(
        output / figures.file_name("drift", name), seen, samples, _label(name, store), monitor.about["tier"]
    )


def _label(name: str, store: Store) -> str:
    kind, origin = name.partition("_")[0], _origin(name, store, True)
    if kind == "score":
        return f"Score, {origin}"
    if kind == "occupancy":
        return f"Cells of {origin} that are not 0"
    unit = dict(zip(store.image.names, store.image.units, strict=True))[str(origin)]
    return f"Sum of {origin} ({unit})"


def _draw_maps(output: Path, channel: str, seen: Maps, known: Maps, store: Store) -> tuple[Path, str]:
    unit = dict(zip(store.image.names, store.image.units, strict=True))[channel]
    signed = bool((seen.mean < 0).any() or (known.mean < 0).any())
    panels = [
        figures.Panel("monitor", seen.mean, signed),
        figures.Panel("training", known.mean, signed),
        figures.Panel("monitor - training", seen.mean - known.mean, True),
    ]
    file = output / figures.file_name("drift_mean", channel)
    drawn = figures.draw_means(file, panels, f"Mean {channel} ({unit})", store.image)
    return drawn, f"Mean image, channel {channel}; cells of an image are correlated and not tested."


def _alone(page: Page, output: Path, monitor: Monitor, compared: list[str]) -> None:
    """Add what a store has no counterpart of."""
    page.heading("Without a counterpart in the training sample")
    for name, seen in monitor.histograms.items():
        if name not in compared:
            file = output / figures.file_name("drift", name)
            page.figure(figures.draw_counts(file, seen, [], name, monitor.about["tier"]), _caption(name))


def _caption(name: str) -> str:
    if name != "status":
        return f"{name.capitalize()} per event"
    return "Status of the candidates: " + ", ".join(f"{status} {text}" for status, text in MEANING.items())
