"""Windows cut from whole-detector images: the Python twin of interface/ImageWindow.h.

Rows run along ieta and end at the detector's edge (zeros beyond), columns run along iphi and wrap around.
A test compares these functions with the C++ ones bit for bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import grids

Images = npt.NDArray[np.floating]
Indices = npt.NDArray[np.integer]


class Window(NamedTuple):
    """A window of `height` x `width` cells with its seed at (`row`, `column`)."""

    height: int
    width: int
    row: int
    column: int


def crop(image: Images, row: int, column: int, window: Window) -> Images:
    """Return the `window` of `image` whose seed cell is (row, column).

    Args:
        image: (..., rows, columns).
        row: Row of the seed, in the image.
        column: Column of the seed; wrapped.
        window: Size, and where the seed lies in it.

    Returns:
        (..., height, width), of the dtype of `image`.
    """
    cut: Images = crop_many(image[np.newaxis], np.array([row]), np.array([column]), window)[0]
    return cut


def crop_many(
    images: Images, rows: Indices, columns: Indices, window: Window, which: Indices | None = None
) -> Images:
    """Return one window per seed.

    Args:
        images: (N, ..., rows, columns), one image per seed; or (1, ..., rows, columns), one for all seeds.
        rows: (N,) rows of the seeds.
        columns: (N,) columns of the seeds; wrapped.
        window: Size of the windows, and where the seed lies in them.
        which: (N,) image of each seed, where there are neither N nor 1 images.

    Returns:
        (N, ..., height, width), of the dtype of `images`.
    """
    window_rows = np.asarray(rows)[:, np.newaxis] - window.row + np.arange(window.height)  # (N, height)
    window_columns = (
        np.asarray(columns)[:, np.newaxis] - window.column + np.arange(window.width)
    )  # (N, width)
    inside = (window_rows >= 0) & (window_rows < images.shape[-2])
    if which is None:
        which = np.arange(len(images)) if len(images) == len(window_rows) else np.zeros(len(window_rows), int)
    windows = images[
        which[:, np.newaxis, np.newaxis],
        ...,
        np.where(inside, window_rows, 0)[:, :, np.newaxis],
        (window_columns % images.shape[-1])[:, np.newaxis, :],
    ]  # (N, height, width, ...): advanced indices around an ellipsis come first
    windows = np.moveaxis(windows, (1, 2), (-2, -1))
    shape = (len(inside),) + (1,) * (windows.ndim - 3) + (window.height, 1)
    return np.where(inside.reshape(shape), windows, windows.dtype.type(0))


def windows_inside(rows: Indices, window: Window, image_rows: int = grids.ECAL_ROWS) -> npt.NDArray[np.bool_]:
    """Return for each seed row whether its `window` lies within an image of `image_rows` rows."""
    top = np.asarray(rows) - window.row
    return (top >= 0) & (top + window.height <= image_rows)


def upsample_hbhe(towers: Images) -> Images:
    """Spread each tower evenly over its 5 x 5 crystals, each of which gets 1/25 of the energy.

    Args:
        towers: (..., 56, 72), energies in GeV.

    Returns:
        (..., 280, 360), of the dtype of `towers`.
    """
    factor = grids.ECAL_PER_HCAL
    spread = towers / towers.dtype.type(factor * factor)
    return np.repeat(np.repeat(spread, factor, axis=-2), factor, axis=-1)
