"""MLAnalyzer ntuples: whole-detector images of a collision, from which jets or superclusters are cropped.

The layouts are those of the MLAnalyzer's RHTree (Open Data and Run 3): flat vector<float> images; seeds of
jets in towers (row 0-55, column 0-71), of superclusters in crystals (row 0-169, column 0-359).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError, RecipeError, suggest
from ...geometry import grids as detector
from ...geometry.seeds import crystal_of_tower
from ...geometry.status import Status
from ...geometry.windows import Window, crop_many, upsample_hbhe, windows_inside
from ...recipe import Recipe
from ...store import SparseImages, image_of_recipe
from ...store.sparse import Array
from ..objects import ObjectColumns, find_field, need_field
from ..tables.base import Jagged, check_finite, make_steps, require, resolve
from ..tables.opening import open_table
from .base import SEED_ROW, Events

EB = (detector.EB_ROWS, detector.EB_IPHI_MAX)
ECAL = (detector.ECAL_ROWS, detector.ECAL_COLUMNS)
HBHE = (detector.HBHE_ROWS, detector.HBHE_COLUMNS)
SHAPES = {rows * columns: (rows, columns) for rows, columns in (EB, ECAL, HBHE)}
BRANCHES = {
    "jets": {"tracks": "ECAL_tracksPt", "ecal": "ECAL_energy", "hcal": "HBHE_energy"},
    "superclusters": {"energy": "SC_energy|EB_energy|ECAL_energy", "time": "SC_time|EB_time|ECAL_time"},
}
SEEDS = {"jets": ("jetSeed_ieta", "jetSeed_iphi"), "superclusters": ("SC_ieta", "SC_iphi")}
CHUNK = 16  # collisions: about 1 MB each


class RhtreeSource:
    """Crops around the jets or superclusters of each collision; energies in GeV, times in ns, unscaled.

    The option `objects` of the recipe is jets or superclusters; by default the file decides. inputs.fields
    may name another branch for a channel, for example tracks: ECAL_tracksPt_PV.
    """

    jagged = True

    def __init__(self, path: str, recipe: Recipe, everything: bool = False) -> None:
        self.path, self.image, self.everything = path, image_of_recipe(recipe), everything
        self.window = self.image.window
        self.table = open_table(path, recipe.inputs.tree)
        self.objects = self._choose(recipe.inputs.options.get("objects"))
        self.row, self.column = (
            need_field(self.table, name, "seed of the crop") for name in SEEDS[self.objects]
        )
        names = {**BRANCHES[self.objects], **recipe.inputs.fields}
        for channel in recipe.image.channels:
            if channel.name not in names:
                raise RecipeError(f"inputs.fields: name the branch of channel '{channel.name}'")
        self.branches = {c.name: resolve(self.table, names[c.name]) for c in recipe.image.channels}
        require(self.table, self.branches, None)
        self.side = ObjectColumns(self.table, recipe)
        self.missing, self.entries = self.side.missing, self.table.entries
        self.unreadable: dict[int, str] = {}

    def _choose(self, wanted: str | None) -> str:
        if wanted is not None and wanted not in SEEDS:
            raise RecipeError(f"inputs.options.objects '{wanted}'; {suggest(str(wanted), SEEDS)}")
        found = [name for name, (row, _) in SEEDS.items() if find_field(self.table, row) is not None]
        return wanted or (found[0] if found else "jets")

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `sources.Source`."""
        return make_steps(self.table.boundaries([*self.branches.values()]), start, stop, CHUNK)

    def read(self, start: int, stop: int) -> Events:
        """See `sources.Source`; objects without a class or too near the detector's edge are not selected."""
        names = [*self.branches.values(), *self.row.names, *self.column.names, *self.side.names]
        columns = self.table.read(list(dict.fromkeys(names)), start, stop)
        offsets = self.row.offsets(columns, stop - start)
        event = np.repeat(np.arange(stop - start), np.diff(offsets))
        seeds = [field.values(columns, offsets) for field in (self.row, self.column)]
        if seeds[0] is None or seeds[1] is None:
            raise InputError(
                f"{self.path}: entries from {start} on: seeds without both coordinates; repair it"
            )
        rows, cols = (seed.astype(np.int64) for seed in seeds if seed is not None)
        labels = self.side.labels(columns, offsets, start)
        kept = self.side.values(columns, offsets, start)
        status = self._status(rows, cols)
        chosen = np.flatnonzero((labels >= 0) & (status == Status.SCORED))
        layers = [
            self._crop(columns[branch], branch, event[chosen], rows[chosen], cols[chosen], (start, chosen))
            for branch in self.branches.values()
        ]
        if self.everything:
            fine = self._finite(layers)
            status[chosen[~fine]] = Status.NOT_FINITE
            chosen, layers = chosen[fine], [layer[fine] for layer in layers]
        else:
            self._check(layers, event[chosen] + start)
        images = SparseImages.from_dense(np.stack(layers, axis=1))
        own = {name: values[chosen] for name, values in kept.items()}
        own[SEED_ROW] = self._seed_rows(rows[chosen]).astype(np.float32)
        events = Events(images, labels[chosen], event[chosen] + start, own)
        return events.spread(chosen, status, event + start, kept) if self.everything else events

    def _status(self, rows: Array, cols: Array) -> Array:
        """Return whether the crop of each seed can be drawn, and if not, why."""
        jets = self.objects == "jets"
        size = HBHE if jets else EB
        known = (rows >= 0) & (rows < size[0]) & (cols >= 0) & (cols < size[1])
        if jets:
            inside = windows_inside(crystal_of_tower(rows), self.window)
        else:
            inside = np.full(len(rows), self._cropped()) | windows_inside(rows, self.window, EB[0])
        return np.select([~known, ~inside], [Status.NO_SEED, Status.WINDOW], Status.SCORED).astype(np.int8)

    def _seed_rows(self, rows: Array) -> Array:
        """Return the rows of seeds in the whole-ECAL image."""
        if self.objects == "superclusters":
            return rows + detector.EE_ROWS
        return crystal_of_tower(rows)

    def _cropped(self) -> bool:
        """Return whether the file holds crops already: a list of lists of cells."""
        return all(self.table.fields[branch].depth == 2 for branch in self.branches.values())

    def _crop(
        self, values: Jagged, branch: str, event: Array, rows: Array, cols: Array, place: tuple[int, Array]
    ) -> Array:
        """Return the crops (objects, H, W) of one branch."""
        height, width = self.image.height, self.image.width
        start, chosen = place
        if isinstance(values.values, Jagged):
            return self._stack(values.values, branch, start, {height * width: (height, width)})[chosen]
        whole = self._stack(values, branch, start, SHAPES)  # (collisions, rows, columns)
        shape = whole.shape[1:]
        if self.objects == "superclusters":
            if shape == HBHE:
                raise InputError(
                    f"{self.path}: '{branch}' is an image of towers; superclusters need crystals"
                )
            below = detector.EE_ROWS if shape == ECAL else 0
            return crop_many(whole, rows + below, cols, self.window, event)
        if shape == HBHE:
            return self._crop_towers(whole, event, rows, cols)
        below = detector.EE_ROWS if shape == EB else 0
        return crop_many(whole, crystal_of_tower(rows) - below, crystal_of_tower(cols), self.window, event)

    def _crop_towers(self, whole: Array, event: Array, rows: Array, cols: Array) -> Array:
        """Crop towers and spread them over their crystals: as the other way round, but on 25 times less."""
        size = detector.ECAL_PER_HCAL
        height, width, row, column = self.window
        if height % size == width % size == 0 and row % size == column % size == size // 2:
            window = Window(height // size, width // size, row // size, column // size)
            return upsample_hbhe(crop_many(whole, rows, cols, window, event))
        crystals = upsample_hbhe(whole)
        return crop_many(crystals, crystal_of_tower(rows), crystal_of_tower(cols), self.window, event)

    def _stack(self, lists: Jagged, branch: str, start: int, shapes: dict[int, tuple[int, int]]) -> Array:
        """Return lists of cells as images (N, rows, columns), the shape known from the number of cells."""
        counts = np.diff(lists.offsets)
        size = int(counts[0]) if len(counts) else next(iter(shapes))
        wrong = np.flatnonzero(counts != size) if size in shapes else np.zeros(1, np.int64)
        if len(wrong):
            known = ", ".join(f"{cells} ({rows} x {columns})" for cells, (rows, columns) in shapes.items())
            raise InputError(
                f"{self.path}: image {int(wrong[0])} from entry {start} on: '{branch}' has "
                f"{int(counts[wrong[0]])} cells, expected {known}; check the branch and the recipe's image"
            )
        images: Array = np.asarray(lists.values).reshape(len(counts), *shapes[size])
        return images

    def _least(self) -> list[float | None]:
        """Return the least value of each channel, None for signed ones: times, and charge times pt."""
        return [None if channel.kind in ("time", "momentum") else 0.0 for channel in self.image.channels]

    def _finite(self, layers: list[Array]) -> Array:
        """Return which crops have no value that is not finite, or negative where that cannot be."""
        fine = np.full(len(layers[0]), True)
        for layer, least in zip(layers, self._least(), strict=True):
            good = np.isfinite(layer) if least is None else np.isfinite(layer) & (layer >= least)
            fine &= good.all(axis=(1, 2))
        return fine

    def _check(self, layers: list[Array], entries: Array) -> None:
        for branch, layer, least in zip(self.branches.values(), layers, self._least(), strict=True):
            flat: Any = layer.reshape(len(layer), -1)
            check_finite(self.path, branch, flat, entries, least)
