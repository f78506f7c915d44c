"""Do probabilities mean what they say? Reliability curve, expected calibration error, temperature."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ..auc import Floats, Integers
from ..inference.metrics import Calibration, ReliabilityCurve
from ..report.figure import COLORS, figure, legend

BINS = 15
LOWEST, HIGHEST = 0.05, 20.0  # temperatures
LEAST = 1e-7  # probabilities of float32 are 0 below about this


class Reliability(NamedTuple):
    """Mean predicted probability and observed fraction of the last class, in bins of equal width."""

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    error: NDArray[np.float64]
    """Binomial standard error of `observed`."""
    events: NDArray[np.int64]


def reliability(labels: Integers, probabilities: Floats, signal: int = -1, bins: int = BINS) -> Reliability:
    """Return the reliability curve of class `signal`; empty bins are left out."""
    scores = probabilities[:, signal].astype(np.float64)
    truth = labels == (signal % probabilities.shape[1])
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    events = np.bincount(place, minlength=bins)
    seen = events > 0
    counts = events[seen]
    predicted = np.bincount(place, weights=scores, minlength=bins)[seen] / counts
    observed = np.bincount(place, weights=truth, minlength=bins)[seen] / counts
    error = np.sqrt(observed * (1 - observed) / counts)
    return Reliability(predicted, observed, error, counts)


def calibration_error(labels: Integers, probabilities: Floats) -> float:
    """Return the expected calibration error of the likeliest class (Guo et al. 2017, eq. 3), 15 bins."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(place, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(len(labels), 1))


def scale(probabilities: Floats, temperature: float) -> NDArray[np.float64]:
    """Return the probabilities (N, K) after their logits were divided by the temperature."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(labels: Integers, probabilities: Floats) -> float:
    """Return the temperature with the least cross entropy on these events, between 0.05 and 20."""

    def loss(log_temperature: float) -> float:
        scaled = scale(probabilities, math.exp(log_temperature))
        return float(-np.log(np.maximum(scaled[np.arange(len(labels)), labels], LEAST)).mean())

    found = minimize_scalar(loss, bounds=(math.log(LOWEST), math.log(HIGHEST)), method="bounded")
    return float(math.exp(found.x))


def calibration(labels: Integers, probabilities: Floats) -> Calibration:
    """Return a split's calibration: its error and its reliability curve."""
    curve = reliability(labels, probabilities)
    columns = {name: tuple(getattr(curve, name).tolist()) for name in curve._fields}
    return Calibration(calibration_error(labels, probabilities), ReliabilityCurve(**columns))


def draw_reliability(path: Path, curves: dict[str, Reliability], signal: str, right: str = "") -> Path:
    """Draw observed fraction against predicted probability."""
    with figure(path, right) as axes:
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="calibrated")
        for color, (label, curve) in zip(COLORS, curves.items(), strict=False):
            axes.errorbar(curve.predicted, curve.observed, curve.error, color=color, marker="o", label=label)
        axes.set(xlabel=f"Predicted probability of {signal}", ylabel=f"Observed fraction of {signal}")
        axes.set(xlim=(0, 1), ylim=(0, 1.05))
        legend(axes, "upper left")
    return path
