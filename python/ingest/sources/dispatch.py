"""Kinds of inputs by the name that recipes use; each turns entries of a file into events."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import RecipeError, suggest
from ...recipe import Recipe
from ..tables.base import file_kind
from .base import Source


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


def _ispy(path: str, recipe: Recipe) -> Source:
    from .ispy import IspySource

    return IspySource(path, recipe)


SOURCES: dict[str, Callable[[str, Recipe], Source]] = {
    "particles": _particles,
    "images": _images,
    "rhtree": _rhtree,
    "delphes": _delphes,
    "pfnano": _pfnano,
    "ispy": _ispy,
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
