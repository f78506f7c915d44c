"""The area under the ROC curve over a whole split, as a number that training can follow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..auc import auc as auc_with_error
from ..errors import ModelError, StoreError


def auc(labels: NDArray[np.int64], probabilities: NDArray[Any]) -> float:
    """Return the area under the ROC curve.

    Args:
        labels: class numbers, (N,).
        probabilities: of each class, (N, K). For K = 2 the score is the last column; for K > 2 the result is
            the mean over classes of one against the rest.

    Raises:
        StoreError: a class has no event.
        ModelError: a probability is not finite.
    """
    absent = sorted(set(range(probabilities.shape[1])) - set(np.unique(labels).tolist()))
    if absent:
        raise StoreError(f"no AUC without events of class number {absent[0]}; found only {np.unique(labels)}")
    if not np.isfinite(probabilities).all():
        raise ModelError("the network's probabilities are not finite; lower the learning rate")
    return auc_with_error(labels, probabilities).value
