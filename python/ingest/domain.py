"""Which pT, |eta| and seed rows the training events cover: what a model trained on them may be used for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import UNSET, UnsetType

from ..geometry.cells import eb_cells
from ..geometry.description import Domain, ImageSpec, Limits
from ..geometry.grids import EE_ROWS, HBHE_ROWS
from ..geometry.seeds import crystal_of_tower
from ..store.reader import read_side_columns
from ..store.sparse import Array
from .sources.base import SEED_ROW

COLUMNS = ("pt", "eta", SEED_ROW, "ieta")


def with_domain(image: ImageSpec, shards: Sequence[Path]) -> ImageSpec:
    """Return `image` with the ranges of its domain that it lacks, measured on the events of `shards`."""
    return replace(image, domain=image.domain.over(measured_domain(image, shards)))


def measured_domain(image: ImageSpec, shards: Sequence[Path]) -> Domain:
    """Return the ranges that the events of `shards` cover.

    Rows come from the column seed_row, or else, of crystals, from ieta; grids of eta and phi have none. A
    column that is missing, or NaN everywhere, gives no range. Ends are rounded outwards, to 10 GeV, 0.1
    and whole rows, so that they do not hang on single events.
    """
    parts = [read_side_columns(shard, _present(shard))[0] for shard in shards]
    names = set().union(*parts) if parts else set()
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    return Domain(
        pt=_range(columns.get("pt"), 0.1),
        abs_eta=_range(np.abs(columns["eta"]), 10.0) if "eta" in columns else UNSET,
        seed_rows=_rows(columns, image.jet_seed != "none") if image.grid.kind == "crystals" else UNSET,
    )


def _present(shard: Path) -> list[str]:
    import h5py

    with h5py.File(shard, "r") as file:
        return [name for name in COLUMNS if name in file["columns"]]


def _range(values: Array | None, steps: float = 1.0) -> Limits | UnsetType:
    """Return the range of the finite values, its ends rounded outwards to `steps` per unit."""
    finite = values[np.isfinite(values)].astype(np.float64) if values is not None else np.zeros(0)
    if not len(finite):
        return UNSET
    return float(np.floor(finite.min() * steps)) / steps, float(np.ceil(finite.max() * steps)) / steps


def _rows(columns: dict[str, Array], jets: bool) -> Limits | UnsetType:
    """Return the range of the seeds' rows; `ieta` is that of a crystal, or of jets the row of a tower."""
    rows = columns.get(SEED_ROW)
    if rows is None and "ieta" in columns:
        if not np.isfinite(columns["ieta"]).all():
            return UNSET
        ieta = columns["ieta"].astype(np.int64)
        crystal = eb_cells(ieta, np.ones_like(ieta))[0]
        known = (ieta >= 0) & (ieta < HBHE_ROWS) if jets else crystal >= 0
        if not known.all():
            return UNSET
        rows = crystal_of_tower(ieta) if jets else crystal + EE_ROWS
    return _range(rows)
