"""AUC of runs whose images are disturbed: noise, dead cells, masked patches, scale, time, rotation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift

from ..artefacts import Artefact
from ..auc import auc, check_classes
from ..errors import RecipeError, suggest
from ..inference.run import Run, as_run
from ..inference.scoring import proof_split
from ..report.figure import COLORS, figure, legend
from .names import run_names

if TYPE_CHECKING:
    from ..geometry.description import Kind
    from ..store import ImageSpec

Images = NDArray[np.float32]
EVENTS = 4000
SCALED: tuple[Kind, ...] = ("energy", "momentum")
Strengths = Mapping[str, tuple[float, ...]]
STRENGTHS: Strengths = {
    "noise": (0.0, 0.01, 0.03, 0.1, 0.3, 1.0),
    "dead_cells": (0.0, 0.01, 0.03, 0.1, 0.3),
    "masked_patches": (0.0, 0.05, 0.1, 0.2, 0.4),
    "energy_scale": (0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2),
    "time_jitter": (0.0, 0.1, 0.3, 1.0, 3.0),
    "rotation": (0.0, 90.0, 180.0, 270.0),
}
"""Perturbation -> strengths that are scanned."""
LABELS = {
    "noise": "Gaussian noise (sigma / spread of the non-zero cells)",
    "dead_cells": "Fraction of dead cells",
    "masked_patches": "Fraction of the image in masked 4 x 4 patches",
    "energy_scale": "Factor on energies and momenta",
    "time_jitter": "Jitter of the time (ns)",
    "rotation": "Rotation (degrees)",
}
LIMITS = {"dead_cells": 1.0, "masked_patches": 1.0}


class Disturbed(NamedTuple):
    """The AUC at one strength of a perturbation."""

    strength: float
    auc: float
    auc_error: float


@dataclass(frozen=True)
class Scan:
    """A run under all perturbations that its images can have."""

    run: str
    model: str
    events: int
    split: str
    scans: dict[str, tuple[Disturbed, ...]]
    """Perturbation -> one entry per strength."""


@dataclass(frozen=True)
class Robustness(Artefact):
    """The content of robustness.json."""

    REMEDY = "write it again with scripts/evaluate.py --robustness"

    runs: tuple[Scan, ...]


def perturb(
    images: Images, image: ImageSpec, kind: str, strength: float, spread: NDArray[np.float64], seed: int
) -> Images:
    """Return disturbed images (N, C, H, W).

    Args:
        images: raw images.
        image: channels and units.
        kind: one of STRENGTHS.
        strength: how much, see LABELS.
        spread: standard deviation of the non-zero cells per channel (C,).
        seed: of the random numbers.

    Raises:
        RecipeError: unknown perturbation, or a strength outside its range.
    """
    if kind not in STRENGTHS:
        raise RecipeError(f"unknown perturbation '{kind}'; {suggest(kind, STRENGTHS)}")
    if strength < 0 or strength > LIMITS.get(kind, np.inf):
        raise RecipeError(
            f"perturbation {kind}: strength {strength}, expected 0 to {LIMITS.get(kind, np.inf):g}"
        )
    random = np.random.default_rng(seed)
    steps: dict[str, Callable[[], NDArray[Any]]] = {
        "noise": lambda: images + random.normal(size=images.shape) * strength * _per_channel(spread),
        "dead_cells": lambda: images * _alive(random, images, strength, 1),
        "masked_patches": lambda: images * _alive(random, images, strength, 4),
        "energy_scale": lambda: images * _where_kind(image, SCALED, strength, 1.0),
        "time_jitter": lambda: _jitter(random, images, image, strength),
        "rotation": lambda: _turned(images, image, round(strength / 90)),
    }
    return np.ascontiguousarray(steps[kind](), dtype=np.float32)


def _turned(images: Images, image: ImageSpec, turns: int) -> Images:
    """Return images after quarter turns, crops about their seed cell."""
    made, move = np.rot90(images, turns, axes=(2, 3)), image.seed_shift(turns)
    return shift(made, (0, 0, *move), order=0) if any(move) else made


def _per_channel(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.reshape(-1, 1, 1)


def _where_kind(
    image: ImageSpec, kinds: tuple[Kind, ...], inside: float, outside: float
) -> NDArray[np.float64]:
    return _per_channel(np.where(image.of_kind(*kinds), inside, outside))


def _alive(random: np.random.Generator, images: Images, fraction: float, side: int) -> NDArray[np.bool_]:
    """Return a mask (N, 1, H, W) of cells that live; whole patches of `side` x `side` die."""
    n, _, height, width = images.shape
    patches = random.random((n, 1, -(-height // side), -(-width // side))) >= fraction
    return patches.repeat(side, axis=2).repeat(side, axis=3)[:, :, :height, :width]


def _jitter(random: np.random.Generator, images: Images, image: ImageSpec, sigma: float) -> Images:
    size = sigma * _where_kind(image, ("time",), 1.0, 0.0)
    return np.asarray(images + (images != 0) * random.normal(size=images.shape) * size, dtype=np.float32)


def scan(
    run: Run | Path,
    store: Path | None = None,
    limit: int = EVENTS,
    seed: int = 1,
    strengths: Strengths = STRENGTHS,
) -> Scan:
    """Return the AUC of a run against each perturbation of `strengths` that its images can have.

    Raises:
        RunError, ModelError, StoreError: no run, no store, or one of other images.
    """
    run = as_run(run)
    events = run.events(store)
    split = proof_split(events)
    predictor = run.predictor()
    blocks = list(events.blocks(split, limit, what="reading"))
    images = np.concatenate([one for one, _, _ in blocks])
    labels = np.concatenate([truth for _, truth, _ in blocks])
    check_classes(labels, predictor.classes, f"{events.store.path}, split {split}")
    spread = cell_spreads(images)
    scans = {}
    for kind in [kind for kind in fitting(predictor.image) if kind in strengths]:
        rows = []
        for strength in strengths[kind]:
            disturbed = perturb(images, predictor.image, kind, strength, spread, seed)
            area = auc(labels, predictor.predict(disturbed))
            rows.append(Disturbed(strength, area.value, area.error))
        scans[kind] = tuple(rows)
    return Scan(run.name, run.trained_network.name, len(labels), split, scans)


def fitting(image: ImageSpec) -> list[str]:
    """Return the perturbations that images with these kinds of channels and sides can have."""
    unfit = {
        "energy_scale": not any(image.of_kind(*SCALED)),
        "time_jitter": not any(image.of_kind("time")),
        "rotation": image.height != image.width,
    }
    return [kind for kind in STRENGTHS if not unfit.get(kind, False)]


def cell_spreads(images: Images) -> NDArray[np.float64]:
    """Return the standard deviation of each channel's cells that are not 0 (C,); 0 where there are none."""
    return np.array([_spread(images[:, channel]) for channel in range(images.shape[1])])


def _spread(cells: Images) -> float:
    seen = cells[cells != 0]
    return float(seen.std()) if len(seen) else 0.0


def scan_runs(
    runs: Sequence[Path],
    output: Path,
    store: Path | None = None,
    limit: int = EVENTS,
    strengths: Strengths = STRENGTHS,
) -> Robustness:
    """Scan runs, write robustness.json to a folder and one figure per perturbation; return the scans."""
    names = run_names(runs)
    scans = [
        replace(scan(run, store, limit, strengths=strengths), run=name)
        for run, name in zip(runs, names, strict=True)
    ]
    found = Robustness(tuple(scans))
    found.write(output / "robustness.json")
    for kind in [kind for kind in strengths if any(kind in one.scans for one in scans)]:
        draw_scan(output / "plots" / f"robustness_{kind}.png", kind, scans)
    return found


def table(content: Robustness) -> str:
    """Return the scans as a table for the terminal: AUC by perturbation and strength, one column per run."""
    found = content.runs
    widths = [max(18, len(one.run) + 2) for one in found]
    names = "".join(f"{one.run:>{width}}" for one, width in zip(found, widths, strict=True))
    lines = [f"{'perturbation':<16}{'strength':>9}{names}"]
    for kind, rows in found[0].scans.items():
        for i, row in enumerate(rows):
            areas = "".join(
                f"{one.scans[kind][i].auc:>{width}.4f}"
                for one, width in zip(found, widths, strict=True)
                if kind in one.scans
            )
            lines.append(f"{kind:<16}{row.strength:>9g}{areas}")
    return "\n".join(lines)


def draw_scan(path: Path, kind: str, found: Sequence[Scan]) -> Path:
    """Draw AUC against the strength of one perturbation, for all runs."""
    with figure(path, f"{found[0].events:,} events") as axes:
        for color, one in zip(COLORS * 9, found, strict=False):
            rows = one.scans.get(kind, ())
            strengths, areas, errors = zip(*rows, strict=True) if rows else ((), (), ())
            axes.errorbar(strengths, areas, errors, color=color, marker="o", label=one.run)
        if kind == "noise":
            axes.set_xscale("symlog", linthresh=0.01)
        axes.set(xlabel=LABELS[kind], ylabel="AUC")
        legend(axes)
    return path
