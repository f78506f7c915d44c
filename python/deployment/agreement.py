"""How far a backend's scores are from the trained network's: on events, extreme images, any batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..auc import auc, auc_difference
from .validation import Agreement, WorstEvent

if TYPE_CHECKING:
    from ..inference.predictors import Predictor
    from ..inference.scoring import Scores
    from ..store import ImageSpec

Images = NDArray[np.float32]
SATURATION = {"energy": 1700.0, "momentum": 1700.0, "time": 125.0, "count": 1000.0}
"""Largest value of a cell by kind: a saturated crystal of the ECAL barrel (CMS, JINST 3 (2008) S08004; GeV),
five bunch crossings (ns), and more particles than any jet has."""
BATCH_SIZES = (1, 2, 7, 64, 1024)
WORST_EVENTS = 5
EXTREMES_PER_KIND = 8


def extreme_images(image: ImageSpec, seed: int = 1) -> dict[str, Images]:
    """Return raw images that training hardly ever sees, by what they are.

    Args:
        image: channels, units and size.
        seed: of the random positions.

    Returns:
        Kind -> images (N, C, H, W) in physical units.
    """
    random = np.random.default_rng(seed)
    shape = (EXTREMES_PER_KIND, *image.shape)
    largest = np.array([SATURATION[kind] for kind in image.kinds], np.float32).reshape(-1, 1, 1)
    hot = np.zeros(shape, np.float32)
    flat = hot.reshape(*shape[:2], -1)
    cells = random.integers(0, flat.shape[2], EXTREMES_PER_KIND)
    flat[np.arange(EXTREMES_PER_KIND), :, cells] = largest[:, 0, 0]
    signed = np.array(image.of_kind("time")).reshape(-1, 1, 1)
    spread = (random.lognormal(0, 3, shape) * (random.random(shape) < 0.05)).astype(np.float32)
    return {
        "empty": np.zeros((1, *image.shape), np.float32),
        "saturated": np.broadcast_to(largest, (1, *image.shape)).copy(),
        "one hot cell": hot,
        "negative time": np.where(signed, -largest, largest) * (spread > 0),
        "random": np.minimum(spread, largest),
    }


def agreement(expected: Scores, found: Scores) -> Agreement:
    """Return a backend's AUC, its paired difference from the reference, and the largest of a score."""
    difference = auc_difference(expected.labels, found.probabilities, expected.probabilities)
    return Agreement(
        auc=auc(expected.labels, found.probabilities).value,
        auc_difference=difference.value,
        auc_difference_error=difference.error,
        max_abs_difference=largest_difference(expected.probabilities, found.probabilities),
    )


def largest_difference(expected: Images, found: Images) -> float:
    """Return the largest absolute difference; infinity where a score is not finite."""
    if not (np.isfinite(expected).all() and np.isfinite(found).all()):
        return float("inf")
    return float(np.abs(expected.astype(np.float64) - found).max(initial=0.0))


def extreme_differences(reference: Predictor, other: Predictor) -> dict[str, float]:
    """Return the largest difference for each kind of extreme image."""
    return {
        kind: largest_difference(reference.predict(images), other.predict(images))
        for kind, images in extreme_images(reference.image).items()
    }


def batch_differences(reference: Predictor, other: Predictor, images: Images) -> dict[str, float]:
    """Return the largest difference for each batch size; images are repeated to fill the largest batch."""
    repeated = np.resize(images, (max(BATCH_SIZES), *reference.image.shape))
    expected = reference.predict(repeated)
    return {
        str(size): largest_difference(
            expected[: min(size * 8, len(expected))],
            other.predict(repeated[: min(size * 8, len(expected))], batch_size=size),
        )
        for size in BATCH_SIZES
    }


def worst_events(expected: Scores, found: Scores) -> tuple[WorstEvent, ...]:
    """Return the events with the largest differences: number in the split, label, both scores, columns."""
    differences = np.abs(expected.probabilities.astype(np.float64) - found.probabilities).max(axis=1)
    order = np.argsort(-np.nan_to_num(differences, nan=np.inf), kind="stable")[:WORST_EVENTS]
    return tuple(
        WorstEvent(
            event=int(i),
            label=int(expected.labels[i]),
            expected=tuple(expected.probabilities[i].tolist()),
            found=tuple(found.probabilities[i].tolist()),
            columns={name: values[i].item() for name, values in expected.columns.items()},
        )
        for i in order
    )
