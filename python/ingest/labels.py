"""From the labels of a file, or its name, to the numbers of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError, RecipeError
from ..recipe import Label, Recipe
from ..store.sparse import Array
from .tables.base import Table, check_finite, require, resolve


class Labeller:
    """Gives the class of every entry of one file."""

    def __init__(self, table: Table, recipe: Recipe) -> None:
        """Choose how the file is labelled.

        Raises:
            RecipeError: the recipe gives neither a field nor file names, or one value to two classes.
            InputError: the file has no such field, or its name fits no class or several.
        """
        label = recipe.inputs.label
        self.table, self.classes = table, recipe.classes
        self.field: str | None = None
        self.fixed: int | None = None
        self.values = label_values(label, recipe.classes)
        if label.unlabelled:
            self.fixed = 0  # the store will say that there is no label
            return
        field = resolve(table, label.field) if label.field is not None else None
        if field is not None and (field in table.fields or not label.files):
            require(table, {"label": field}, 0)
            self.field = field
        elif label.files:
            self.fixed = class_of_file(table.path, label, recipe.classes)
        else:
            raise RecipeError(
                "inputs.label: give a field, or for each class a part of the file name in files"
            )

    def classify(self, values: Array, start: int, stop: int) -> Array:
        """Return the class of the entries start..stop, -1 for none, from the `values` of the field.

        Raises:
            InputError: a label that is not finite.
        """
        if self.fixed is not None:
            return np.full(stop - start, self.fixed, np.int64)
        values = values.reshape(len(values))
        check_finite(self.table.path, str(self.field), values, np.arange(start, stop))
        return classify(values, self.values)


def label_values(label: Label, classes: list[str]) -> list[list[float]]:
    """Return the label values of each class; by default class k has the value k.

    Raises:
        RecipeError: one value means two classes.
    """
    values = (
        [label.values.get(name, []) for name in classes]
        if label.values
        else [[k] for k in range(len(classes))]
    )
    flat = [value for some in values for value in some]
    if len(set(flat)) < len(flat):
        raise RecipeError(f"inputs.label.values {label.values}: one value means two classes; give it to one")
    return [list(some) for some in values]


def classify(values: Array, meanings: list[list[float]]) -> Array:
    """Return for each label value the class that it means, -1 for none."""
    known = np.array([value for some in meanings for value in some], dtype=np.float64)
    owner = np.array([k for k, some in enumerate(meanings) for _ in some], dtype=np.int64)
    order = np.argsort(known)
    places = np.searchsorted(known[order], values.astype(np.float64))
    places = np.minimum(places, len(known) - 1)
    hit = known[order][places] == values
    return np.where(hit, owner[order][places], -1)


def class_of_file(path: str, label: Label, classes: list[str]) -> int:
    """Return the class that the name of the file means.

    Raises:
        InputError: none or several.
    """
    name = Path(path).name.lower()
    hits = [k for k, key in enumerate(classes) if key in label.files and label.files[key].lower() in name]
    if len(hits) != 1:
        found = "no class" if not hits else "the classes " + " and ".join(classes[k] for k in hits)
        raise InputError(
            f"{path}: the name fits {found} of inputs.label.files {label.files}; rename it or the recipe"
        )
    return hits[0]
