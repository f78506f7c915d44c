"""Values of the objects of a collision, such as its jets, in the layouts that ntuples use for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..recipe import Recipe
from ..store.sparse import Array
from .labels import class_of_file, classify, hot_class, label_values, one_hot_fields
from .tables.base import Jagged, Table, check_finite, hint


@dataclass(frozen=True)
class ObjectField:
    """Branches that hold a number per object: one jagged, one scalar, or the scalars name0, name1, ..."""

    names: tuple[str, ...]

    def offsets(self, columns: dict[str, Any], entries: int) -> Array:
        """Return the offsets (entries + 1,) of the objects of each entry."""
        first = columns[self.names[0]]
        if isinstance(first, Jagged):
            return first.offsets
        return np.arange(entries + 1, dtype=np.int64) * len(self.names)

    def values(self, columns: dict[str, Any], offsets: Array) -> Array | None:
        """Return the values of all objects in order, None where their number differs from `offsets`."""
        first = columns[self.names[0]]
        if isinstance(first, Jagged):
            return np.asarray(first.values) if np.array_equal(first.offsets, offsets) else None
        counts = np.diff(offsets)
        if len(self.names) == 1:
            return np.repeat(np.asarray(first), counts)
        stacked = np.stack([columns[name] for name in self.names], axis=1)  # (entries, objects)
        return stacked.reshape(-1) if (counts == len(self.names)).all() else None


def find_field(table: Table, names: str) -> ObjectField | None:
    """Return the first of alternatives like "jetPt|pt" that the table has, in any of the layouts."""
    for name in names.split("|"):
        if name in table.fields and table.fields[name].depth in (0, 1):
            return ObjectField((name,))
        if f"{name}0" in table.fields:
            count = next(k for k in range(len(table.fields) + 1) if f"{name}{k}" not in table.fields)
            return ObjectField(tuple(f"{name}{k}" for k in range(count)))
    return None


def need_field(table: Table, names: str, role: str) -> ObjectField:
    """Return `find_field`.

    Raises:
        InputError: there is none; what is there is listed.
    """
    found = find_field(table, names)
    if found is None:
        there = hint(names.split("|")[0], table.fields)
        raise InputError(f"{table.path}: {table.where} has no '{names}' ({role}); {there}")
    return found


class ObjectColumns:
    """The label and the columns to keep, of every object."""

    def __init__(self, table: Table, recipe: Recipe) -> None:
        """Find them.

        Raises:
            InputError: neither a label nor a class in the file's name.
        """
        label = recipe.inputs.label
        self.path = table.path
        self.meanings = label_values(label, recipe.classes)
        self.hot: list[ObjectField] = []
        self.label = find_field(table, label.field) if label.field and not label.unlabelled else None
        self.fixed: int | None = None
        if label.unlabelled:
            self.fixed = 0  # the store will say that there is no label
        elif label.one_hot:
            names = one_hot_fields(label, recipe.classes)
            self.hot = [need_field(table, name, "inputs.label.one_hot") for name in names]
        elif self.label is None and label.files:
            self.fixed = class_of_file(table.path, label, recipe.classes)
        elif self.label is None:
            self.label = need_field(table, label.field or "label", "inputs.label.field")
        found = {name: find_field(table, names) for name, names in recipe.inputs.columns.items()}
        self.kept = found
        self.missing = [recipe.inputs.columns[name] for name, field in found.items() if field is None]
        fields = [self.label, *self.hot, *found.values()]
        self.names = [name for field in fields if field is not None for name in field.names]

    def labels(self, columns: dict[str, Any], offsets: Array, start: int) -> Array:
        """Return the class of each object, -1 for none.

        Raises:
            InputError: other numbers of labels than of objects, or a label that is not finite.
        """
        if self.hot:
            return hot_class(
                np.stack([self._values(one, columns, offsets, start) for one in self.hot], axis=1)
            )
        if self.label is None:
            return np.full(int(offsets[-1]), self.fixed, np.int64)
        values = self._values(self.label, columns, offsets, start)
        entries = np.repeat(np.arange(start, start + len(offsets) - 1), np.diff(offsets))
        check_finite(self.path, self.label.names[0], values, entries)
        return classify(values, self.meanings)

    def values(self, columns: dict[str, Any], offsets: Array, start: int) -> dict[str, Array]:
        """Return the kept columns of each object as float32; missing ones are NaN."""
        result = {name: np.full(int(offsets[-1]), np.nan, np.float32) for name in self.kept}
        for name, field in self.kept.items():
            if field is not None:
                result[name] = self._values(field, columns, offsets, start).astype(np.float32)
        return result

    def _values(self, field: ObjectField, columns: dict[str, Any], offsets: Array, start: int) -> Array:
        values = field.values(columns, offsets)
        if values is None:
            raise InputError(
                f"{self.path}: entries from {start} on: '{field.names[0]}' has another number of objects "
                "than their seeds; repair the file"
            )
        return values
