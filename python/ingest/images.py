"""Files that hold images: HDF5 datasets (N, H, W[, C]) and nested lists of Parquet (N, C, H, W)."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from ..errors import InputError, RecipeError, suggest
from ..recipe import Recipe
from ..store import SparseImages
from ..store.sparse import Array
from .labels import Labeller
from .particles import extra_columns, read_extra
from .sources import Events
from .table import Jagged, check_finite, open_table, require

LAYOUTS = ("NCHW", "NHWC", "NHW")
CHUNK_BYTES = 1 << 25
logger = logging.getLogger(__name__)


class ImageSource:
    """Images of the recipe's size; scaled values are scaled back to physical units.

    Options of the recipe: `layout` (NCHW, NHWC; images without a channel axis are recognised) and `scale`
    (channel name -> factor). Negative values are an error in channels in GeV.
    """

    def __init__(self, path: str, recipe: Recipe) -> None:
        inputs, self.image = recipe.inputs, recipe.image
        self.path = path
        self.names = [channel.name for channel in self.image.channels]
        self.layout, self.scale = self._options(inputs.options)
        self.nonnegative = [c for c, channel in enumerate(self.image.channels) if channel.unit == "GeV"]
        if "image" not in inputs.fields:
            raise RecipeError("inputs.fields: name the column of the images, for example image: X")
        self.field = inputs.fields["image"]
        self.table = open_table(path, inputs.tree)
        require(self.table, {"image": self.field}, None)
        self.labeller = Labeller(self.table, recipe)
        self.extra = extra_columns(self.table, inputs.columns)
        self.entries = self.table.entries
        cells = len(self.names) * self.image.height * self.image.width
        self.chunk = max(1, CHUNK_BYTES // (8 * cells))

    def _options(self, options: dict[str, Any]) -> tuple[str, Array]:
        for key in options:
            if key not in ("layout", "scale"):
                raise RecipeError(f"inputs.options '{key}': {suggest(key, ('layout', 'scale'))}")
        layout, scale = options.get("layout", "NCHW"), options.get("scale", {})
        if layout not in LAYOUTS:
            raise RecipeError(f"inputs.options.layout '{layout}'; {suggest(str(layout), LAYOUTS)}")
        for name in scale:
            if name not in self.names:
                raise RecipeError(f"inputs.options.scale '{name}'; {suggest(name, self.names)}")
        factors = np.array([scale.get(name, 1.0) for name in self.names], np.float32)
        return layout, factors.reshape(1, -1, 1, 1)

    def read(self, start: int, stop: int) -> Events:
        """See `sources.Source`; images without a class are not selected."""
        label = [self.labeller.field] if self.labeller.field else []
        found = [name for name in self.extra.values() if name is not None]
        columns = self.table.read([self.field, *label, *found], start, stop)
        labels = self.labeller.classify(columns[label[0]] if label else np.zeros(0), start, stop)
        images = self._channels_first(columns[self.field], start) * self.scale  # (N, C, H, W)
        self._check(images, start)
        selected = np.flatnonzero(labels >= 0)
        sparse = SparseImages.from_dense(images if len(selected) == len(images) else images[selected])
        return Events(sparse, labels[selected], selected + start, read_extra(self.extra, columns, selected))

    def _channels_first(self, values: Any, start: int) -> Array:
        """Return float32 (N, C, H, W); a single channel stands for the first, the others become 0."""
        dense = stack(values, self.path, self.field, start).astype(np.float32, copy=False)
        if dense.ndim == 3:
            dense = dense[:, None]
        elif self.layout == "NHWC" and dense.ndim == 4:
            dense = dense.transpose(0, 3, 1, 2)
        wanted = (len(self.names), self.image.height, self.image.width)
        found = dense.shape[1:]
        if found == wanted:
            return dense
        if found == (1, *wanted[1:]):
            images = np.zeros((len(dense), *wanted), np.float32)
            images[:, 0] = dense[:, 0]
            return images
        raise InputError(
            f"{self.path}: '{self.field}' holds images of shape {found} (channels, rows, columns), "
            f"the recipe asks for {wanted}; set image.channels, image.height, image.width or the layout"
        )

    def _check(self, images: Array, start: int) -> None:
        for channel, name in enumerate(self.names):
            least = 0.0 if channel in self.nonnegative else None
            flat = images[:, channel].reshape(len(images), -1)
            check_finite(
                self.path, f"{self.field}, channel {name}", flat, np.arange(start, start + len(flat)), least
            )


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
