"""Kinds of inputs by the name that recipes use; each turns entries of a file into events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import RecipeError, suggest
from ..recipe import Recipe
from ..store import SparseImages
from ..store.sparse import Array
from .table import file_kind


@dataclass(frozen=True)
class Events:
    """Events of one file, in ascending order of entries; entries may give none, one or several."""

    images: SparseImages
    labels: Array  # (N,) int64
    entries: Array  # (N,) int64
    columns: dict[str, Array]  # each (N,)

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def concatenate(parts: list[Events]) -> Events:
        """Return the events of all `parts` (one or more), in order."""
        return Events(
            SparseImages.concatenate([part.images for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.entries for part in parts]),
            {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        )


class Source(Protocol):
    """An open file."""

    entries: int
    missing: list[str]
    """Columns to keep that the file lacks."""

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return ranges that cover start..stop, each of a size that fits well into memory."""

    def read(self, start: int, stop: int) -> Events:
        """Return the selected events of the entries start..stop.

        Raises:
            InputError: the file is damaged or holds bad values.
        """


def _particles(path: str, recipe: Recipe) -> Source:
    from .particles import ParticleSource

    return ParticleSource(path, recipe)


def _images(path: str, recipe: Recipe) -> Source:
    if file_kind(path) == "ROOT":  # images in ROOT files are those of the MLAnalyzer
        return _rhtree(path, recipe)
    from .images import ImageSource

    return ImageSource(path, recipe)


def _rhtree(path: str, recipe: Recipe) -> Source:
    from .rhtree import RhtreeSource

    return RhtreeSource(path, recipe)


def _delphes(path: str, recipe: Recipe) -> Source:
    from .delphes import DelphesSource

    return DelphesSource(path, recipe)


def _pfnano(path: str, recipe: Recipe) -> Source:
    from .pfnano import PfnanoSource

    return PfnanoSource(path, recipe)


SOURCES: dict[str, Callable[[str, Recipe], Source]] = {
    "particles": _particles,
    "images": _images,
    "rhtree": _rhtree,
    "delphes": _delphes,
    "pfnano": _pfnano,
}


def open_source(path: str, recipe: Recipe) -> Source:
    """Open a file as the kind of source that the recipe names; its format is found by its first bytes.

    Raises:
        RecipeError: no such source, or its fields do not make sense.
        InputError: the file is missing, damaged, or does not hold what the recipe names.
    """
    name = recipe.inputs.source
    if name not in SOURCES:
        raise RecipeError(f"inputs.source '{name}'; {suggest(name, SOURCES)}")
    return SOURCES[name](path, recipe)
