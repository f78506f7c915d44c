"""From candidates and detector images to windows: as interface/{EventImages,CandidateStatus}.h do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .cells import hbhe_cells
from .description import ImageSpec
from .grids import EB_ROWS, ECAL_ROWS, EE_ROWS
from .hits import Doubles, Floats, Integers
from .seeds import crystal_of_tower, find_jet_seed
from .status import Status
from .windows import crop_many, windows_inside


class Candidates(NamedTuple):
    """Photons, electrons or jets of one event."""

    pt: Doubles  # (N,) GeV
    eta: Doubles  # (N,)
    phi: Doubles  # (N,) rad


class Pictures(NamedTuple):
    """Images of candidates, and why the others have none."""

    images: Floats  # (images, C, H, W)
    chosen: Integers  # (images,) candidate of each image
    rows: Integers  # (images,) row of the seed in the whole-ECAL image
    columns: Integers  # (images,) column of the seed
    status: Integers  # (N,) of `Status`


def highest_crystal(energy: Floats, rows: Integers, columns: Integers) -> tuple[int, int] | None:
    """Return the cell of the highest crystal of a candidate, the first of equals; None without energy.

    Args:
        energy: (170, 360) GeV.
        rows: (N,) of the candidate's crystals; -1 for what is no barrel crystal.
        columns: (N,).
    """
    known = rows >= 0
    values = np.nan_to_num(energy[rows[known], columns[known]], nan=0.0, posinf=np.inf)
    if not len(values) or values.max() <= 0:
        return None
    best = int(values.argmax())
    return int(rows[known][best]), int(columns[known][best])


def crop_barrel(
    layers: Floats, candidates: Candidates, seeds: list[tuple[int, int] | None], image: ImageSpec
) -> Pictures:
    """Return the windows around photons or electrons.

    Args:
        layers: (C, 170, 360), the channels of `image` in order.
        candidates: N of them.
        seeds: for each, its highest crystal (see `highest_crystal`).
        image: description of the images.
    """
    return _cut(layers, candidates, seeds, image, EB_ROWS, EE_ROWS)


def crop_jets(layers: Floats, candidates: Candidates, towers: Floats, image: ImageSpec) -> Pictures:
    """Return the windows around jets, seeded by the highest tower near their axis.

    Args:
        layers: (C, 280, 360), the channels of `image` in order.
        candidates: N jets.
        towers: (56, 72) energies that seed.
        image: description of the images.
    """
    rows, columns = hbhe_cells(candidates.eta, candidates.phi)
    seeds: list[tuple[int, int] | None] = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        seed = crystal_of_tower(np.array(find_jet_seed(towers, row, column))) if row >= 0 else None
        seeds.append(None if seed is None else (int(seed[0]), int(seed[1])))
    return _cut(layers, candidates, seeds, image, ECAL_ROWS, 0)


def _cut(
    layers: Floats,
    candidates: Candidates,
    seeds: list[tuple[int, int] | None],
    image: ImageSpec,
    height: int,
    first_row: int,
) -> Pictures:
    """Cut windows from layers of `height` rows, the first of which is `first_row` of the whole ECAL."""
    status = np.array(
        [
            _status(image, float(pt), float(eta), seed, height, first_row)
            for pt, eta, seed in zip(candidates.pt, candidates.eta, seeds, strict=True)
        ],
        np.int64,
    )
    chosen = np.flatnonzero(status == Status.SCORED)
    places = np.array([seeds[i] for i in chosen], np.int64).reshape(-1, 2)
    windows = crop_many(layers[np.newaxis], places[:, 0], places[:, 1], image.window)
    finite = np.asarray(np.isfinite(windows).all(axis=(1, 2, 3)))
    status[chosen[~finite]] = Status.NOT_FINITE
    places = places[finite]
    images = windows[finite].astype(np.float32, copy=False)
    return Pictures(images, chosen[finite], places[:, 0] + first_row, places[:, 1], status)


def _status(
    image: ImageSpec, pt: float, eta: float, seed: tuple[int, int] | None, height: int, first_row: int
) -> Status:
    if not image.domain.contains("pt", pt):
        return Status.PT
    if not image.domain.contains("abs_eta", abs(eta)):
        return Status.ETA
    if seed is None:
        return Status.NO_SEED
    if not image.domain.contains("seed_rows", seed[0] + first_row):
        return Status.SEED_ROW
    inside = windows_inside(np.array([seed[0]]), image.window, height)[0]
    return Status.SCORED if inside else Status.WINDOW
