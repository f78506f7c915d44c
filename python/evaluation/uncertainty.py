"""What can be said of single scores: the spread of an ensemble, and events unlike those of the training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..artefacts import Artefact
from ..errors import RecipeError, StoreError
from ..inference.run import Run
from ..inference.scoring import Events, proof_split
from ..models import Ensemble
from ..store import open_store
from .distance import Floats, Images, features_of, fit_distance
from .robustness import STRENGTHS, Strengths, cell_spreads, fitting, perturb
from .uncertainty_plots import draw_distances, draw_flagged, draw_spread

FIT_EVENTS = 20_000
EVENTS = 4_000
BINS = 10
SIGMAS = (1.0, 2.0)


@dataclass(frozen=True)
class Rate:
    """A fraction of events with its binomial error."""

    value: float
    error: float
    events: int


@dataclass(frozen=True)
class Coverage:
    """How often a member of an ensemble lies within some standard deviations of the mean of the others."""

    sigmas: float
    expected: float
    """If members are normal around a common mean: Student's t distribution."""
    found: float


@dataclass(frozen=True)
class SpreadBin:
    """Events of similar standard deviation over the members."""

    std: float
    """Mean standard deviation of the signal's probability."""
    wrong: float
    """Fraction whose most probable class is not the true one."""
    events: int


@dataclass(frozen=True)
class Uncertainty(Artefact):
    """The content of uncertainty.json."""

    REMEDY = "write it with scripts/uncertainty.py --run {run}"

    run: str
    asked: float
    """False-alarm rate for which the threshold was chosen, on the validation split."""
    threshold: float
    """Squared distance above which an event is flagged."""
    false_alarms: Rate
    """Flagged events of the test split."""
    disturbed: dict[str, dict[str, Rate]]
    """Perturbation -> strength -> flagged events."""
    others: dict[str, Rate]
    """Name of another store -> flagged events."""
    members: int
    """Of an ensemble; 1 for a single network, which has neither of the following."""
    coverage: tuple[Coverage, ...] = ()
    bins: tuple[SpreadBin, ...] = ()


def assess(
    run: Run,
    output: Path,
    others: Sequence[Path] = (),
    false_alarms: float = 0.01,
    limit: int = EVENTS,
    strengths: Strengths = STRENGTHS,
) -> Uncertainty:
    """Measure how far scores can be trusted, event by event; write uncertainty.json and figures to a folder.

    Args:
        run: a trained run whose store is there, with train, validation and test events.
        output: folder.
        others: stores of other events with the same images, whose flagged fraction is measured, too.
        false_alarms: fraction of ordinary events that may be flagged.
        limit: most events of the test split and of each other store.
        strengths: perturbations to try.

    Raises:
        RecipeError: `false_alarms` outside of 0 to 1.
        RunError, ModelError, StoreError: no run, no store, no linear layer, or a split without events.
    """
    if not 0 < false_alarms < 1:
        raise RecipeError(f"--false-alarms {false_alarms}; give a number above 0 and below 1")
    events = run.events()
    stores = {path.resolve().name: _other(run, path) for path in others}
    features = features_of(run.trained_network)
    fitted = fit_distance(*_featured(events, "train", features))

    usual = fitted(_featured(events, "validation", features)[0])
    threshold = float(np.quantile(usual, 1 - false_alarms))

    def flagged(some: Images) -> Rate:
        return _rate(fitted(features(some)) > threshold)

    images, truth = _read(events, proof_split(events), limit)
    tested, each = fitted(features(images)), _of_members(run, images)
    found = Uncertainty(
        run.name,
        false_alarms,
        threshold,
        _rate(tested > threshold),
        {
            kind: {name: flagged(some) for name, some in _disturbed(run, images, kind, strengths[kind])}
            for kind in fitting(run.trained_network.image)
            if kind in strengths
        },
        {name: flagged(_images(other, limit)) for name, other in stores.items()},
        len(each),
        coverage(each[..., -1]) if len(each) > 2 else (),
        spread_bins(each, truth) if len(each) > 1 else (),
    )
    found.write(output / "uncertainty.json")
    _draw(found, output / "plots", usual, tested)
    return found


def _draw(found: Uncertainty, folder: Path, usual: Floats, tested: Floats) -> None:
    draw_distances(folder / "uncertainty_distance.png", found, usual, tested)
    draw_flagged(folder / "uncertainty_flagged.png", found)
    if found.bins:
        draw_spread(folder / "uncertainty_spread.png", found)


def _check_split(events: Events, split: str) -> None:
    if split not in events.splits:
        raise StoreError(f"{events.store.path}: split '{split}' has no event; use a store that has some")


def _read(events: Events, split: str, limit: int) -> tuple[Images, NDArray[np.int64]]:
    """Return images and labels of a split."""
    _check_split(events, split)
    blocks = list(events.blocks(split, limit, what=split))
    return np.concatenate([one for one, _, _ in blocks]), np.concatenate([one for _, one, _ in blocks])


def _featured(
    events: Events, split: str, features: Callable[[Images], Floats]
) -> tuple[Floats, NDArray[np.int64]]:
    """Return features and labels of a split, block by block, since its images are many."""
    _check_split(events, split)
    blocks = [
        (features(images), labels) for images, labels, _ in events.blocks(split, FIT_EVENTS, what=split)
    ]
    return np.concatenate([one for one, _ in blocks]), np.concatenate([one for _, one in blocks])


def _other(run: Run, path: Path) -> Events:
    """Open another store of the model's images; it needs no labels."""
    store = open_store(path)
    store.check_model(run.trained_network.image, store.classes)
    return Events(store)


def _images(events: Events, limit: int) -> Images:
    """Return the first images of all splits of a store."""
    parts = [events.images(split, limit) for split in events.splits]
    return np.concatenate(parts)[:limit] if parts else np.zeros((0, *events.store.image.shape), np.float32)


def _disturbed(
    run: Run, images: Images, kind: str, strengths: Sequence[float]
) -> Iterator[tuple[str, Images]]:
    """Yield each strength of a perturbation, as it is written, and the images."""
    spread = cell_spreads(images)
    for strength in strengths:
        yield f"{strength:g}", perturb(images, run.trained_network.image, kind, strength, spread, seed=1)


def _rate(flags: NDArray[np.bool_]) -> Rate:
    number = len(flags)
    value = float(flags.mean()) if number else 0.0
    return Rate(value, sqrt(value * (1 - value) / max(1, number)), number)


def _of_members(run: Run, images: Images) -> NDArray[np.float64]:
    """Return the probabilities of each member (M, N, K); M is 1 for a single network."""
    network = run.trained_network
    with torch.inference_mode():
        parts = [
            network.each(part) if isinstance(network, Ensemble) else network(part)[None]
            for part in torch.tensor_split(torch.from_numpy(images), max(1, len(images) // 256))
        ]
    return torch.cat(parts, dim=1).double().numpy()


def coverage(each: NDArray[np.float64]) -> tuple[Coverage, ...]:
    """Hold out each member in turn, and count how often it lies near the others' mean.

    The others' standard deviation s predicts a held-out member to s x root(1 + 1 / (M - 1)), and the pull
    follows Student's t with M - 2 degrees of freedom, if members are normal around a common mean.

    Args:
        each: probabilities of the signal by M members, 3 or more (M, N).
    """
    from scipy.stats import t

    pulls = []
    for member in range(len(each)):
        rest = np.delete(each, member, axis=0)
        width = rest.std(axis=0, ddof=1) * sqrt(1 + 1 / len(rest))
        pulls.append(np.abs(each[member] - rest.mean(axis=0)) / np.maximum(width, 1e-12))
    dof = len(each) - 2
    return tuple(
        Coverage(sigmas, float(2 * t.cdf(sigmas, dof) - 1), float((np.array(pulls) < sigmas).mean()))
        for sigmas in SIGMAS
    )


def spread_bins(each: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[SpreadBin, ...]:
    """Return how often the ensemble is wrong in tenths of the events by the members' standard deviation.

    Args:
        each: probabilities by members (M, N, K).
        truth: classes (N,).
    """
    std, wrong = each[..., -1].std(axis=0, ddof=1), each.mean(axis=0).argmax(axis=1) != truth
    order = np.argsort(std, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return tuple(SpreadBin(float(std[part].mean()), float(wrong[part].mean()), len(part)) for part in parts)


def table(found: Uncertainty) -> str:
    """Return the flagged fractions and the coverage as text for the terminal."""
    lines = [f"flagged test events: {_percent(found.false_alarms)}, asked for {found.asked:.2%}"]
    for kind, rates in found.disturbed.items():
        cells = ", ".join(f"{strength}: {rate.value:.1%}" for strength, rate in rates.items())
        lines.append(f"{kind:<16}{cells}")
    lines += [f"store {name}: {_percent(rate)} of {rate.events:,}" for name, rate in found.others.items()]
    lines += [
        f"held-out members within {one.sigmas:g} std: {one.found:.1%}, expected {one.expected:.1%}"
        for one in found.coverage
    ]
    if found.bins:
        lines.append(
            f"wrong where members agree best / least: {found.bins[0].wrong:.1%} / {found.bins[-1].wrong:.1%}"
        )
    return "\n".join(lines)


def _percent(rate: Rate) -> str:
    return f"{rate.value:.2%} +- {rate.error:.2%}"
