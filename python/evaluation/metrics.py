"""Figures of merit of a classifier: efficiencies, rejection, working points, and a split's summary.

Throughout, `labels` is (N,) int, the index of the true class, and `probabilities` is (N, K) float.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, roc_curve

from ..auc import Floats, Integers, auc, signal_scores
from ..inference.metrics import ClassMetrics, SplitMetrics


class Roc(NamedTuple):
    """A ROC curve: one point per distinct score, from the tightest cut to none."""

    signal: NDArray[np.float64]
    """Signal efficiency at each threshold, rising from 0 to 1."""
    background: NDArray[np.float64]
    """Background efficiency at each threshold, rising from 0 to 1."""
    thresholds: NDArray[np.float64]
    """Events pass where score >= threshold; the first is +infinity."""


def accuracy(labels: Integers, probabilities: Floats) -> float:
    """Return the fraction of events whose likeliest class is the true one."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def confusion(labels: Integers, probabilities: Floats) -> NDArray[np.float64]:
    """Return the confusion matrix (K true, K predicted), each row as fractions of the true class."""
    classes = np.arange(probabilities.shape[1])
    found = confusion_matrix(labels, probabilities.argmax(axis=1), labels=classes, normalize="true")
    return np.asarray(found, np.float64)


def roc(is_signal: NDArray[np.bool_], scores: Floats) -> Roc:
    """Return the ROC curve of scores (N,) with truth (N,)."""
    background, signal, thresholds = roc_curve(is_signal, scores, drop_intermediate=False)
    return Roc(signal, background, np.asarray(thresholds, np.float64))


def background_rejection(curve: Roc, num_background: int, efficiencies: Sequence[float]) -> dict[str, float]:
    """Return 1 / background efficiency at the tightest cut that keeps each signal efficiency.

    Where no background event passes, the number of background events is given: a lower bound.
    """
    at = np.searchsorted(curve.signal, np.asarray(efficiencies) - 1e-12)
    passing = np.maximum(curve.background[np.minimum(at, len(curve.signal) - 1)], 1.0 / num_background)
    return {f"{target:g}": float(1.0 / value) for target, value in zip(efficiencies, passing, strict=True)}


def working_points(curve: Roc, efficiencies: Sequence[float]) -> dict[str, dict[str, float]]:
    """Return the loosest threshold that keeps at most each background efficiency, and what passes it."""
    points = {}
    for target in efficiencies:
        at = int(np.searchsorted(curve.background, target + 1e-12, side="right")) - 1
        threshold = curve.thresholds[at] if at > 0 else np.nextafter(np.float32(curve.thresholds[1]), np.inf)
        points[f"{target:g}"] = {
            "threshold": float(threshold),
            "signal_efficiency": float(curve.signal[at]),
            "background_efficiency": float(curve.background[at]),
        }
    return points


def split_metrics(
    labels: Integers,
    probabilities: Floats,
    classes: Sequence[str],
    signal_efficiencies: Sequence[float],
) -> SplitMetrics:
    """Return the figures of merit of a split, except for the calibration.

    With more than two classes, `auc` is the mean over the classes against the rest, `background_rejection` is
    the last class's, and `classes` holds both for each.
    """
    area = auc(labels, probabilities)
    rejections = [
        background_rejection(
            roc(labels == k, signal_scores(probabilities, k)), int((labels != k).sum()), signal_efficiencies
        )
        for k in range(len(classes))
    ]
    several = len(classes) > 2
    rows = confusion(labels, probabilities).tolist() if several else []
    each = {
        name: ClassMetrics(area.per_class[k], rejections[k])
        for k, name in enumerate(classes if several else ())
    }
    return SplitMetrics(
        events=len(labels),
        auc=area.value,
        auc_error=area.error,
        accuracy=accuracy(labels, probabilities),
        background_rejection=rejections[-1],
        classes=each,
        confusion=tuple(tuple(row) for row in rows),
    )
