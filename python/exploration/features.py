"""What one image amounts to: multiplicity, width, sum, peak and mass, from its non-zero cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.description import Kind
from ..store import ImageSpec, SparseImages
from ..store.sparse import Array

WEIGHTS: tuple[Kind, ...] = ("energy", "momentum")


class Cells(NamedTuple):
    """Tables over the cells of the flattened (C, H, W) image."""

    channel: Array
    """Channel of each cell, int64."""
    weighted: Array
    """Whether the cell carries pT or energy: all such channels, or the first one where there is none."""
    counted: Array
    """Whether the cell counts particles: channels of that kind."""
    eta: Array
    """Centre of the cell along the rows, in `unit`, from the middle of the image."""
    phi: Array
    """Centre of the cell along the columns, in `unit`, from the middle of the image."""
    unit: str
    """rad where the window is known, else cells."""


def cell_tables(image: ImageSpec) -> Cells:
    """Return the tables of the images that `image` describes."""
    _, height, width = image.shape
    channel, row, column = np.indices(image.shape).reshape(3, -1)
    energetic = np.array(image.of_kind(*WEIGHTS))
    if not energetic.any():
        energetic[0] = True
    counting = np.array(image.of_kind("count"))
    half = image.grid.half_widths
    rows, columns = (2 * half[0] / height, 2 * half[1] / width) if half else (1.0, 1.0)
    return Cells(
        channel=channel,
        weighted=energetic[channel],
        counted=counting[channel],
        eta=(row - (height - 1) / 2) * rows,
        phi=(column - (width - 1) / 2) * columns,
        unit="rad" if half else "cells",
    )


def image_features(images: SparseImages, cells: Cells) -> dict[str, Array]:
    """Return one number per image and name, each (N,) float64; NaN where an image has no positive cell.

    `multiplicity` is the number of particles where a channel counts them, else of non-zero cells. `sum` and
    `peak` are in GeV. `width` is the mean distance from the centroid, `rms_eta` and `rms_phi` the standard
    deviations, all weighted by pT or energy, in the unit of `cells`. `image_mass` (GeV; where the window is
    known) is the invariant mass of massless cells whose value is their pT.
    """
    number = len(images)
    owner = np.repeat(np.arange(number), np.diff(images.offsets))
    chosen = cells.weighted[images.index]
    index, owner_w = images.index[chosen], owner[chosen]
    weight = np.maximum(images.value[chosen].astype(np.float64), 0)

    def total(of_cell: Array) -> Array:
        return np.bincount(owner_w, of_cell, number)

    energy = total(weight)
    scale = np.where(energy > 0, energy, np.nan)
    eta, phi = cells.eta[index], cells.phi[index]
    centre_eta, centre_phi = total(weight * eta) / scale, total(weight * phi) / scale
    from_eta, from_phi = eta - centre_eta[owner_w], phi - centre_phi[owner_w]
    peak = np.zeros(number)
    np.maximum.at(peak, owner_w, weight)
    result = {
        "multiplicity": _multiplicity(images, cells, owner),
        "sum": energy,
        "peak": peak,
        "width": total(weight * np.hypot(from_eta, from_phi)) / scale,
        "rms_eta": np.sqrt(total(weight * from_eta**2) / scale),
        "rms_phi": np.sqrt(total(weight * from_phi**2) / scale),
    }
    if cells.unit == "rad":
        momentum = total(weight * np.cos(phi)), total(weight * np.sin(phi)), total(weight * np.sinh(eta))
        squared = total(weight * np.cosh(eta)) ** 2 - sum(part**2 for part in momentum)
        result["image_mass"] = np.where(energy > 0, np.sqrt(np.maximum(squared, 0)), np.nan)
    return result


def seed_values(images: SparseImages, image: ImageSpec) -> dict[str, Array]:
    """Return seed_NAME (N,) for each time channel of images in crystals: its value at the seed, or NaN."""
    result = {}
    owner = np.repeat(np.arange(len(images)), np.diff(images.offsets))
    for channel, timed in enumerate(image.of_kind("time") if image.grid.kind == "crystals" else []):
        if timed:
            seed = (channel * image.height + image.seed[0]) * image.width + image.seed[1]
            found = np.flatnonzero(images.index == seed)
            values = np.full(len(images), np.nan)
            values[owner[found]] = images.value[found]
            result[f"seed_{image.names[channel]}"] = values
    return result


def occupancy(images: SparseImages, cells: Cells, channels: int) -> Array:
    """Return the number of non-zero cells of each image and channel, (N, C) int64."""
    owner = np.repeat(np.arange(len(images)), np.diff(images.offsets))
    flat = owner * channels + cells.channel[images.index]
    counts = np.bincount(flat, minlength=len(images) * channels)
    return counts.reshape(len(images), channels)


def _multiplicity(images: SparseImages, cells: Cells, owner: Array) -> Array:
    if cells.counted.any():
        chosen = cells.counted[images.index]
        return np.bincount(owner[chosen], images.value[chosen], len(images))
    return np.bincount(owner[cells.weighted[images.index]], minlength=len(images)).astype(np.float64)
