"""What stands beside the image of an entry: its label and the columns to keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..recipe import Recipe
from ..store.sparse import Array
from .labels import Labeller
from .tables.base import Table, resolve


class SideColumns:
    """The label and the kept columns of a table with one event per entry."""

    def __init__(self, table: Table, recipe: Recipe) -> None:
        """Find the columns; those to keep may be missing, and will then be NaN.

        Raises:
            InputError: the label's column is missing or no number.
        """
        self.labeller = Labeller(table, recipe)
        found = {name: resolve(table, names) for name, names in recipe.inputs.columns.items()}
        usable = {name for name, field in table.fields.items() if field.depth == 0}
        self.kept = {name: field if field in usable else None for name, field in found.items()}
        self.missing = [found[name] for name, field in self.kept.items() if field is None]
        self.names = [*self.labeller.names, *(field for field in self.kept.values() if field is not None)]
        """What `table.read` has to read."""

    def labels(self, columns: dict[str, Any], start: int, stop: int) -> Array:
        """Return the class of the entries start..stop, -1 for none."""
        return self.labeller.classify(columns, start, stop)

    def values(self, columns: dict[str, Any], selected: Array) -> dict[str, Array]:
        """Return the kept columns of the `selected` entries as float32."""
        return {
            name: np.full(len(selected), np.nan, np.float32)
            if field is None
            else np.asarray(columns[field]).reshape(-1)[selected].astype(np.float32)
            for name, field in self.kept.items()
        }
