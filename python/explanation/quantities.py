"""Which physical quantities a score follows: rank correlation and mutual information."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..exploration.features import cell_tables, image_features
from ..store import ImageSpec, SparseImages

Array = NDArray[np.float64]
LEAST = 20  # events
BOOKKEEPING = ("entry", "source")  # columns that say where an event came from


class Follows(NamedTuple):
    """How a score follows one quantity."""

    name: str
    correlation: float
    """Spearman's rank correlation over all events."""
    within: float
    """The same, the mean over events of one class: what it follows beyond telling the classes apart."""
    information: float
    """Mutual information, nats (Kraskov et al., Phys. Rev. E 69 (2004) 066138, as scikit-learn has it)."""


def follows(
    scores: Array, labels: NDArray[np.int64], columns: dict[str, Array], seed: int = 0
) -> list[Follows]:
    """Return how scores (N,) follow columns (N,), the strongest first; events without a number are left out.

    Args:
        scores: of the signal class.
        labels: true classes; -1 where there is none.
        columns: quantities by name; those that never change are left out.
        seed: of the noise that mutual information adds to tell equal values apart.
    """
    from scipy.stats import spearmanr
    from sklearn.feature_selection import mutual_info_regression

    found = []
    for name, values in columns.items():
        fine = np.isfinite(values)
        x, y, owner = values[fine].astype(np.float64), scores[fine], labels[fine]
        if len(x) < LEAST or np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        groups = [owner == k for k in np.unique(owner)]
        parts = [spearmanr(x[one], y[one]).statistic for one in groups if _varies(x[one])]
        information = mutual_info_regression(x[:, None], y, random_state=seed)[0]
        within = float(np.mean(parts)) if parts else float("nan")
        found.append(Follows(name, float(spearmanr(x, y).statistic), within, float(information)))
    return sorted(found, key=lambda one: -one.information)


def _varies(x: Array) -> bool:
    return len(x) >= LEAST and bool(np.ptp(x) > 0)


def quantities(images: NDArray[np.float32], spec: ImageSpec, columns: dict[str, Array]) -> dict[str, Array]:
    """Return the columns of events, and the features of their images, by name."""
    physical = {name: values for name, values in columns.items() if name not in BOOKKEEPING}
    found = image_features(SparseImages.from_dense(images), cell_tables(spec))
    return {**{name: np.asarray(values, np.float64) for name, values in physical.items()}, **found}
