"""The area under the ROC curve, with its statistical error and a paired test.

`labels` is (N,) int, the index of the true class, and `probabilities` is (N, K) float. With two classes the
signal is the last one and its probability is the score; with more, each class stands against the rest.

The error of an AUC follows E. DeLong, D. DeLong and D. Clarke-Pearson, Biometrics 44 (1988) 837, computed
from midranks in O(N log N) as in X. Sun and W. Xu, IEEE Signal Process. Lett. 21 (2014) 1389.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from .errors import StoreError

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


class Auc(NamedTuple):
    """Area under the ROC curve; with more than two classes, the mean of the one-vs-rest areas."""

    value: float
    """The area."""
    error: float
    """Its statistical standard error (DeLong)."""
    per_class: list[float]
    """Area of each class against the rest."""
    influence: NDArray[np.float64]
    """What each event adds to `value` (N,), the basis of errors and of paired tests."""


class Difference(NamedTuple):
    """Difference between two AUCs on the same events."""

    value: float
    """First minus second."""
    error: float
    """Its standard error; the events are the same, so most fluctuations cancel."""
    p_value: float
    """Two-sided probability of a difference at least as large if both were equally good."""


def check_classes(labels: Integers, classes: Sequence[str], origin: str) -> None:
    """Raise an error unless each class has an event.

    Raises:
        StoreError: a class is absent, which leaves the AUC without meaning.
    """
    counts = np.bincount(labels, minlength=len(classes))
    absent = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if absent:
        raise StoreError(
            f"{origin}: no event of class {', '.join(absent)} among {len(labels)}; "
            "every class needs events, so use a store that holds all of them"
        )


def signal_scores(probabilities: Floats, signal: int = -1) -> NDArray[np.float64]:
    """Return the score (N,) of class `signal` against the rest."""
    return np.asarray(probabilities[:, signal], dtype=np.float64)


def structural_components(is_signal: NDArray[np.bool_], scores: Floats) -> NDArray[np.float64]:
    """Return, for each event, the fraction of the other side that it is ordered correctly against (N,).

    These are DeLong's V10 and V01 from midranks (Sun and Xu 2014, eq. 5); ties count one half.
    """
    result = np.empty(len(scores), dtype=np.float64)
    ranks = rankdata(scores)
    signal, background = scores[is_signal], scores[~is_signal]
    result[is_signal] = (ranks[is_signal] - rankdata(signal)) / len(background)
    result[~is_signal] = 1.0 - (ranks[~is_signal] - rankdata(background)) / len(signal)
    return result


def auc(labels: Integers, probabilities: Floats) -> Auc:
    """Return the AUC and its error.

    Args:
        labels: True classes (N,); each class has at least one event.
        probabilities: Probabilities of the classes (N, K).
    """
    num_classes = probabilities.shape[1]
    sides = [1] if num_classes == 2 else range(num_classes)
    influence = np.zeros(len(labels))
    areas = []
    for k in sides:
        is_signal = labels == k
        components = structural_components(is_signal, signal_scores(probabilities, k))
        areas.append(float(components[is_signal].mean()))
        side_size = np.where(is_signal, is_signal.sum(), (~is_signal).sum())
        influence += components / side_size / len(sides)
    per_class = areas * 2 if num_classes == 2 else areas
    return Auc(float(np.mean(areas)), _error(labels, influence), per_class, influence)


def _error(labels: Integers, influence: NDArray[np.float64]) -> float:
    """Return the standard error of a sum of independent terms whose numbers per class are fixed."""
    variance = 0.0
    for k in np.unique(labels):
        terms = influence[labels == k]
        if len(terms) > 1:
            variance += len(terms) * float(terms.var(ddof=1))
    return math.sqrt(variance)


def auc_difference(labels: Integers, first: Floats, second: Floats) -> Difference:
    """Compare two classifiers on the same events by DeLong's paired test.

    Args:
        labels: True classes (N,).
        first: Probabilities (N, K) of the first classifier.
        second: Probabilities (N, K) of the second.
    """
    a, b = auc(labels, first), auc(labels, second)
    value = a.value - b.value
    error = _error(labels, a.influence - b.influence)
    p_value = 2.0 * float(norm.sf(abs(value) / error)) if error > 0 else float(value == 0)
    return Difference(value, error, p_value)
