"""Where the images of a file have their seed: measured, compared with the recipe, mended on request."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..geometry.description import ImageSpec
from ..recipe import Recipe
from ..store import SparseImages, image_of_recipe
from ..store.sparse import Array, index_dtype
from .sources.base import Events, Source
from .sources.dispatch import open_source

ENTRIES = 256  # at the beginning of a file that are looked at
LEAST_IMAGES = 20
CLEAR = 0.5  # share of the images whose highest cell is the same, from which it is taken for the seed


class Finding(NamedTuple):
    """A cell that is clearly the seed of a channel's images."""

    channel: str
    seed: tuple[int, int]
    images: int
    """Images whose highest cell it is, of `total`."""
    total: int

    def against(self, expected: tuple[int, int]) -> str:
        """Return what is wrong, in words."""
        return (
            f"the highest cell of channel {self.channel} is at {list(self.seed)} in {self.images:,} of "
            f"{self.total:,} images, but image.seed is {list(expected)}"
        )


class SeedCounts:
    """Counts, over images in crystals, the highest cell of each channel of kind energy.

    Of several equal cells, such as the crystals of an HCAL tower, the nearest to the described seed counts.
    """

    def __init__(self, image: ImageSpec) -> None:
        self.image = image
        chosen = image.of_kind("energy") if image.grid.kind == "crystals" else []
        self._counts = {
            number: np.zeros(image.height * image.width, np.int64)
            for number, energy in enumerate(chosen)
            if energy
        }
        row, column = np.divmod(np.arange(image.height * image.width), image.width)
        self._distance = np.abs(row - image.seed[0]) + np.abs(column - image.seed[1])

    def add(self, images: SparseImages) -> None:
        """Count some images."""
        owner = np.repeat(np.arange(len(images)), np.diff(images.offsets))
        channel, cell = np.divmod(images.index.astype(np.int64), self.image.height * self.image.width)
        for number, counts in self._counts.items():
            own = (channel == number) & (images.value > 0)
            peak = np.zeros(len(images), np.float32)
            np.maximum.at(peak, owner[own], images.value[own])
            top = np.flatnonzero(own & (images.value == peak[owner]))
            order = top[np.lexsort((self._distance[cell[top]], owner[top]))]
            _, first = np.unique(owner[order], return_index=True)
            counts += np.bincount(cell[order[first]], minlength=len(counts))

    def finding(self) -> Finding | None:
        """Return a seed that is clearly another than the described one, None where there is none."""
        for number, counts in self._counts.items():
            best, total = int(counts.argmax()), int(counts.sum())
            images = int(counts[best])
            described = self.image.seed[0] * self.image.width + self.image.seed[1]
            if total >= LEAST_IMAGES and images >= CLEAR * total and best != described:
                seed = divmod(best, self.image.width)
                return Finding(self.image.names[number], seed, images, total)
        return None


def measure(source: Source, image: ImageSpec) -> Finding | None:
    """Return the seed of a file's first images where it is clearly another than that of `image`."""
    counts = SeedCounts(image)
    if image.grid.kind == "crystals":
        for start, stop in source.steps(0, min(source.entries, ENTRIES)):
            counts.add(source.read(start, stop).images)
    return counts.finding()


def open_images(path: str, recipe: Recipe, everything: bool = False) -> Source:
    """Open a file as `open_source` does, recentred where the recipe asks for it."""
    source: Source = open_source(path, recipe, everything)
    if recipe.inputs.recentre:
        source = Recentred(source, image_of_recipe(recipe))
    return source


def check_seed(path: str, source: Source, recipe: Recipe) -> None:
    """Check that the images of an open file have their seed where the recipe says.

    Raises:
        InputError: they clearly have it elsewhere; both cells are named.
    """
    image = image_of_recipe(recipe)
    finding = measure(source, image)
    if finding is not None:
        raise InputError(
            f"{path}: {finding.against(image.seed)}; correct image.seed, or set inputs.recentre: true to "
            "shift the images"
        )


class Recentred:
    """A source whose images are shifted where their seed clearly is elsewhere than described."""

    def __init__(self, source: Source, image: ImageSpec) -> None:
        self._source = source
        self.entries, self.jagged = source.entries, source.jagged
        self.missing, self.unreadable = source.missing, source.unreadable
        finding = measure(source, image)
        self.shift = (0, 0)
        """Rows and columns by which images are shifted."""
        if finding is not None:
            self.shift = (image.seed[0] - finding.seed[0], image.seed[1] - finding.seed[1])

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `base.Source`."""
        return self._source.steps(start, stop)

    def read(self, start: int, stop: int) -> Events:
        """See `base.Source`."""
        events = self._source.read(start, stop)
        return replace(events, images=shift_images(events.images, *self.shift)) if any(self.shift) else events


def shift_images(images: SparseImages, rows: int, columns: int) -> SparseImages:
    """Return images shifted towards higher rows and columns; what leaves them is lost, new cells are 0."""
    _, height, width = images.shape
    channel, cell = np.divmod(images.index.astype(np.int64), height * width)
    row, column = np.divmod(cell, width)
    row, column = row + rows, column + columns
    kept = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    index: Array = ((channel * height + row) * width + column)[kept]
    running = np.concatenate([[0], np.cumsum(kept)])
    return SparseImages(
        running[images.offsets], index.astype(index_dtype(images.shape)), images.value[kept], images.shape
    )
