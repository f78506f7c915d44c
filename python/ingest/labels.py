"""From the labels of a file, or its name, to the numbers of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, RecipeError
from ..recipe import Label, Recipe
from ..store.sparse import Array
from .tables.base import Jagged, Table, check_finite, require, resolve
from .tables.opening import open_table

EXAMPLES = 10_000  # entries whose labels are shown where they mean no class


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
        self.names: list[str] = []
        """What `classify` needs of the table."""
        self.fixed: int | None = None
        self.values = label_values(label, recipe.classes)
        if label.unlabelled:
            self.fixed = 0  # the store will say that there is no label
            return
        field = resolve(table, label.field) if label.field is not None else None
        if label.one_hot:
            self.names = [resolve(table, name) for name in one_hot_fields(label, recipe.classes)]
            require(table, {f"label of {name}": name for name in self.names}, 0)
        elif field is not None and (field in table.fields or not label.files):
            self.names = [field]
            found = table.fields.get(field)
            if found is not None and found.is_text:
                self.values = word_values(label, recipe.classes)
            elif found is None or found.depth != 1:
                require(table, {"label": field}, 0)
        elif label.files:
            self.fixed = class_of_file(table.path, label, recipe.classes)
        else:
            raise RecipeError(
                "inputs.label: give a field, or for each class a part of the file name in files"
            )

    def classify(self, columns: Mapping[str, Any], start: int, stop: int) -> Array:
        """Return the class of the entries start..stop, -1 for none, from the columns `names`.

        Raises:
            InputError: a label that is not finite, or not one number per class.
        """
        if self.fixed is not None:
            return np.full(stop - start, self.fixed, np.int64)
        entries = np.arange(start, stop)
        values = columns[self.names[0]]
        if len(self.names) > 1:
            values = np.stack([np.asarray(columns[name]).reshape(-1) for name in self.names], axis=1)
        elif isinstance(values, Jagged) or values.size > len(values):
            values = self._matrix(values, start)
        if values.ndim == 2 and values.shape[1] > 1:
            check_finite(self.table.path, self.names[0], values, entries)
            return hot_class(values)
        values = values.reshape(len(values))
        if values.dtype.kind in "fiub":
            check_finite(self.table.path, self.names[0], values, entries)
        return classify(values, self.values)

    def _matrix(self, values: Any, start: int) -> Array:
        """Return labels as (N, K)."""
        count = len(self.classes)
        if isinstance(values, Jagged):
            fits = bool((np.diff(values.offsets) == count).all())
            values = np.asarray(values.values).reshape(-1, count) if fits else values
        if isinstance(values, Jagged) or values.shape[1:] != (count,):
            raise InputError(
                f"{self.table.path}: entries from {start} on: '{self.names[0]}' does not hold {count} "
                f"numbers, one for each of {', '.join(self.classes)}; correct inputs.label"
            )
        matrix: Array = values
        return matrix


def example_labels(path: str, recipe: Recipe) -> list[str]:
    """Return which values the label has in the first entries of a file; [] where no single field holds it."""
    if recipe.inputs.label.field is None:
        return []
    try:
        table = open_table(path, recipe.inputs.tree)
        labeller = Labeller(table, recipe)
        name, *others = labeller.names
        values = table.read([name], 0, min(EXAMPLES, table.entries))[name]
    except (InputError, ValueError):
        return []
    known = not others and not isinstance(values, Jagged) and values.ndim == 1
    return (
        [f"{value:g}" if values.dtype.kind in "fiu" else str(value) for value in np.unique(values)]
        if known
        else []
    )


def one_hot_fields(label: Label, classes: list[str]) -> list[str]:
    """Return the field of each class.

    Raises:
        RecipeError: a class has none.
    """
    for name in classes:
        if name not in label.one_hot:
            raise RecipeError(
                f"inputs.label.one_hot names no field for class '{name}'; give one to each class"
            )
    return [label.one_hot[name] for name in classes]


def hot_class(values: Array) -> Array:
    """Return for rows (N, K) the place of the only number that is not 0; -1 for none or several."""
    hot = values != 0
    return np.where(hot.sum(axis=1) == 1, hot.argmax(axis=1), -1)


def word_values(label: Label, classes: list[str]) -> list[list[float | str]]:
    """Return the words that mean each class; by default its name."""
    if not label.values:
        return [[name] for name in classes]
    return [[str(word) for word in some] for some in label_values(label, classes)]


def label_values(label: Label, classes: list[str]) -> list[list[float | str]]:
    """Return the label values of each class; by default class k has the value k.

    Raises:
        RecipeError: one value means two classes.
    """
    values: list[list[float | str]] = (
        [list(label.values.get(name, [])) for name in classes]
        if label.values
        else [[k] for k in range(len(classes))]
    )
    flat = [value for some in values for value in some]
    if len(set(flat)) < len(flat):
        raise RecipeError(f"inputs.label.values {label.values}: one value means two classes; give it to one")
    return values


def classify(values: Array, meanings: Sequence[Sequence[float | str]]) -> Array:
    """Return for each label value, a number or a word, the class that it means, -1 for none.

    Raises:
        RecipeError: the values are numbers, the meanings words.
    """
    if values.dtype.kind not in "fiub":
        owners = {word: k for k, some in enumerate(meanings) for word in some}
        words = [value.decode() if isinstance(value, bytes) else str(value) for value in values.tolist()]
        return np.array([owners.get(word, -1) for word in words], dtype=np.int64)
    try:
        known = np.array([float(value) for some in meanings for value in some], dtype=np.float64)
    except ValueError as error:
        raise RecipeError(f"inputs.label.values: the file holds numbers, not words ({error})") from error
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
