"""Files that hold images: HDF5 datasets (N, H, W[, C]) and nested lists of Parquet (N, C, H, W)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import InputError, RecipeError, suggest
from ...geometry.status import Status
from ...recipe import Recipe
from ...store import SparseImages, image_of_recipe
from ...store.sparse import Array
from ..side_columns import SideColumns
from ..tables.base import Jagged, check_finite, make_steps, require, resolve
from ..tables.opening import open_table
from .base import Events
from .endcap_scale import COLUMN, EndcapScale

LAYOUTS = ("auto", "NCHW", "NHWC")
OPTIONS = ("layout", "scale", "pick", "objects", "endcap_scale")
CHUNK_CELLS = 1 << 19  # fits into the cache of a core: larger chunks are half as fast


class ImageSource:
    """Images of the recipe's size; scaled values are scaled back to physical units.

    Options of the recipe: `layout` (auto, NCHW, NHWC; images without a channel axis are recognised), `scale`
    (channel name -> factor), `endcap_scale` (see endcap_scale.py) and `pick` (which channels of the file,
    where it holds more than the recipe). Negative energies and counts are an error.
    """

    jagged = False

    def __init__(self, path: str, recipe: Recipe, everything: bool = False) -> None:
        inputs, self.image = recipe.inputs, recipe.image
        self.path, self.everything = path, everything
        self.names = [channel.name for channel in self.image.channels]
        self._read_options(inputs.options)
        self.endcap = EndcapScale(recipe)
        self.nonnegative = image_of_recipe(recipe).of_kind("energy", "count")
        if "image" not in inputs.fields:
            raise RecipeError("inputs.fields: name the column of the images, for example image: X")
        self.table = open_table(path, inputs.tree)
        self.field = resolve(self.table, inputs.fields["image"])
        require(self.table, {"image": self.field}, None)
        self.side = SideColumns(self.table, recipe)
        self.missing = self.side.missing
        self.unreadable: dict[int, str] = {}
        self.entries = self.table.entries
        cells = len(self.names) * self.image.height * self.image.width
        self.chunk = max(1, CHUNK_CELLS // cells)

    def _read_options(self, options: dict[str, Any]) -> None:
        for key in options:
            if key not in OPTIONS:
                raise RecipeError(f"inputs.options '{key}': unknown; {suggest(key, OPTIONS)}")
        self.layout, scale = options.get("layout", "auto"), options.get("scale", {})
        self.pick: list[int] | None = options.get("pick")
        if self.layout not in LAYOUTS:
            raise RecipeError(f"inputs.options.layout '{self.layout}'; {suggest(str(self.layout), LAYOUTS)}")
        for name in scale:
            if name not in self.names:
                raise RecipeError(f"inputs.options.scale '{name}'; {suggest(name, self.names)}")
        if self.pick is not None and len(self.pick) != len(self.names):
            raise RecipeError(
                f"inputs.options.pick {self.pick}: expected one number for each of {self.names}"
            )
        self.scale = np.array([scale.get(name, 1.0) for name in self.names], np.float32)

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `sources.Source`."""
        return make_steps(self.table.boundaries([self.field]), start, stop, self.chunk)

    def read(self, start: int, stop: int) -> Events:
        """See `sources.Source`; images without a class are not selected."""
        columns = self.table.read([self.field, *self.side.names], start, stop)
        labels = self.side.labels(columns, start, stop)
        images = SparseImages.from_dense(self._channels_first(columns[self.field], start))
        channel = images.index // (self.image.height * self.image.width)
        images = replace(images, value=images.value * self.scale[channel])
        if self.endcap.factors:
            tower = self.side.values(columns, np.arange(len(images)))[COLUMN]
            images = self.endcap.apply(images, tower, self.path, start)
        if self.everything:
            return self._all(images, channel, columns, start)
        self._check(images, channel, start)
        selected = np.flatnonzero(labels >= 0)
        if len(selected) < len(images):
            images = images.take(selected)
        return Events(images, labels[selected], selected + start, self.side.values(columns, selected))

    def _all(self, images: SparseImages, channel: Array, columns: dict[str, Any], start: int) -> Events:
        """Return all images with their status: those without bad values are drawn."""
        nonnegative = np.array(self.nonnegative)[channel]
        bad = ~np.isfinite(images.value) | (nonnegative & (images.value < 0))
        status = np.full(len(images), Status.SCORED, np.int8)
        status[np.diff(images.offsets) == 0] = Status.NO_SEED
        status[np.repeat(np.arange(len(images)), np.diff(images.offsets))[bad]] = Status.NOT_FINITE
        everywhere, drawn = np.arange(len(images)), np.flatnonzero(status == Status.SCORED)
        values = self.side.values(columns, everywhere)
        events = Events(images.take(drawn), drawn, drawn, {})
        return events.spread(drawn, status, everywhere + start, values)

    def _channels_first(self, values: Any, start: int) -> Array:
        """Return (N, C, H, W); a single channel stands for the first, the others become 0."""
        dense = stack(values, self.path, self.field, start)
        size = (self.image.height, self.image.width)
        if dense.ndim == 3:
            dense = dense[:, None]
        elif dense.ndim == 4:
            looks_last = dense.shape[1:3] == size != dense.shape[2:]
            if self.layout == "NHWC" or (self.layout == "auto" and looks_last):
                dense = dense.transpose(0, 3, 1, 2)
        if self.pick is not None and dense.ndim == 4 and dense.shape[1] > max(self.pick):
            dense = dense[:, self.pick]
        wanted = (len(self.names), *size)
        found = dense.shape[1:]
        if found == (1, *size) != wanted:
            images = np.zeros((len(dense), *wanted), dense.dtype)
            images[:, :1] = dense
            return images
        if found != wanted:
            raise InputError(
                f"{self.path}: '{self.field}' holds images of shape {found} (channels, rows, columns), the "
                f"recipe asks for {wanted}; set image.channels, height, width or inputs.options layout, pick"
            )
        return dense

    def _check(self, images: SparseImages, channel: Array, start: int) -> None:
        for number, name in enumerate(self.names):
            own = channel == number
            entries = np.repeat(np.arange(start, start + len(images)), np.diff(images.offsets))[own]
            least = 0.0 if self.nonnegative[number] else None
            check_finite(self.path, f"{self.field}, channel {name}", images.value[own], entries, least)


def stack(values: Any, path: str, field: str, start: int) -> Array:
    """Return nested lists of equal lengths as one array (N, ...).

    Raises:
        InputError: names the entry whose lists differ in length from those of the first.
    """
    if not isinstance(values, Jagged):
        return np.asarray(values)
    inner = stack(values.values, path, field, start)
    counts = np.diff(values.offsets)
    if len(counts) and (counts != counts[0]).any():
        raise InputError(
            f"{path}: '{field}' holds images of different sizes from entry {start} on; split the file"
        )
    size = int(counts[0]) if len(counts) else 0
    return inner.reshape(len(counts), size, *inner.shape[1:])
