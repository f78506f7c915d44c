"""What a model is known to do badly, read off its figures: sentences of a card."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..evaluation.robustness import LABELS, Disturbed, Scan
from ..geometry.description import ImageSpec
from ..inference.metrics import Bin, Metrics
from ..report.quantity import kinematic, with_error

SIGMAS = 3.0
LOSS = 0.02  # of AUC, for a disturbance that is worth a sentence
MISCALIBRATED = 0.05
NEUTRAL = {"energy_scale": 1.0}


def known_failures(image: ImageSpec, metrics: Metrics | None, scan: Scan | None) -> list[str]:
    """Return what the figures show of a model's limits; never empty, since there is always the domain."""
    found = list(_domain(image))
    if metrics is not None:
        found += [*_overtraining(metrics), *_calibration(metrics), *_weak_bins(metrics), *_sculpting(metrics)]
    if scan is not None:
        found += _disturbances(scan)
    if metrics is None or scan is None:
        found.append("What was not measured is not known: see the sections above.")
    return found


def _domain(image: ImageSpec) -> Iterator[str]:
    yield (
        f"It knows images of tier {image.tier} with the seed at [{image.seed[0]}, {image.seed[1]}] only; "
        "with those of another tier, seed or unit its scores mean nothing."
    )
    pt = image.domain.pt
    if isinstance(pt, tuple) and None not in pt and pt[0] == pt[1]:
        yield f"All training events have a pT of {pt[0]:g} GeV; at another pT nothing was tested."


def _overtraining(metrics: Metrics) -> Iterator[str]:
    proof = metrics.best_proof
    if metrics.train is None or proof is None:
        return
    gap = metrics.train.auc - proof.auc
    error = math.hypot(metrics.train.auc_error, proof.auc_error)
    if gap > SIGMAS * error > 0:
        yield f"Overtrained: the AUC of the training split is higher by {with_error(gap, error)}."


def _calibration(metrics: Metrics) -> Iterator[str]:
    proof = metrics.best_proof
    if proof and proof.calibration and proof.calibration.expected_calibration_error > MISCALIBRATED:
        error = proof.calibration.expected_calibration_error
        yield (
            f"Its probabilities are off by {error:.1%} on average; `particlevit evaluate --calibrate` mends "
            "that."
        )


def _weak_bins(metrics: Metrics) -> Iterator[str]:
    """Name the weakest bin of each column where it lies clearly below the mean of the others.

    Not below the AUC of all events, which is larger where the column itself tells the classes apart.
    """
    for name, bins in metrics.phase_space.auc_in_bins.items():
        known = sorted((one for one in bins if one.auc_error > 0), key=lambda one: one.auc)
        if len(known) > 1 and (others := _mean(known[1:])) - known[0].auc > SIGMAS * known[0].auc_error:
            worst = known[0]
            yield (
                f"Weaker at {kinematic(name).plain} {worst.low:.4g} to {worst.high:.4g}: AUC "
                f"{with_error(worst.auc, worst.auc_error)} against {others:.3f} in the other bins."
            )


def _mean(bins: Sequence[Bin]) -> float:
    """Return the mean AUC, weighted by the errors."""
    weights = [one.auc_error**-2 for one in bins]
    return sum(weight * one.auc for weight, one in zip(weights, bins, strict=True)) / sum(weights)


def _sculpting(metrics: Metrics) -> Iterator[str]:
    for name, shapes in metrics.phase_space.sculpting.items():
        chance, error = shapes.divergence_by_chance, shapes.divergence_error
        if chance is not None and error and shapes.divergence - chance > SIGMAS * error:
            yield (
                f"A cut on the score sculpts the background's {kinematic(name).title}: Jensen-Shannon "
                f"divergence {with_error(shapes.divergence, error)} bits at a background efficiency of "
                f"{shapes.background_efficiency:.0%}, where a random choice has {chance:.2g}."
            )


def _disturbances(scan: Scan) -> Iterator[str]:
    """For each disturbance, name the least one that costs clearly more than its error."""
    for kind, rows in scan.scans.items():
        neutral = NEUTRAL.get(kind, 0.0)
        clean = next((row for row in rows if row.strength == neutral), None)
        if clean is None:
            continue
        bad = [row for row in rows if _costs(row, clean)]
        if bad:
            first = min(bad, key=lambda row: abs(row.strength - neutral))
            before, after = (with_error(row.auc, row.auc_error) for row in (clean, first))
            yield f"{LABELS[kind]}, {first.strength:g}: lowers the AUC from {before} to {after}."


def _costs(row: Disturbed, clean: Disturbed) -> bool:
    return clean.auc - row.auc > max(LOSS, SIGMAS * row.auc_error)
