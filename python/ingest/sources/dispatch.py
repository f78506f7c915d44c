"""Kinds of inputs by the name that recipes use; each turns entries of a file into events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...recipe import Label, Recipe
from ..tables.base import file_kind
from .base import Source


def _particles(path: str, recipe: Recipe, everything: bool) -> Source:
    from .particles import ParticleSource

    return ParticleSource(path, recipe, everything)


def _images(path: str, recipe: Recipe, everything: bool) -> Source:
    if file_kind(path) == "ROOT":  # images in ROOT files are those of the MLAnalyzer
        return _rhtree(path, recipe, everything)
    from .images import ImageSource

    return ImageSource(path, recipe, everything)


def _rhtree(path: str, recipe: Recipe, everything: bool) -> Source:
    from .rhtree import RhtreeSource

    return RhtreeSource(path, recipe, everything)


def _delphes(path: str, recipe: Recipe, everything: bool) -> Source:
    from .delphes import DelphesSource

    return DelphesSource(path, recipe, everything)


def _pfnano(path: str, recipe: Recipe, everything: bool) -> Source:
    from .pfnano import PfnanoSource

    return PfnanoSource(path, recipe, everything)


def _edm4hep(path: str, recipe: Recipe, everything: bool) -> Source:
    from .edm4hep import Edm4hepSource

    return Edm4hepSource(path, recipe, everything)


def _ispy(path: str, recipe: Recipe, everything: bool) -> Source:
    from .ispy import IspySource

    return IspySource(path, recipe, everything)


SOURCES: dict[str, Callable[[str, Recipe, bool], Source]] = {
    "particles": _particles,
    "images": _images,
    "rhtree": _rhtree,
    "delphes": _delphes,
    "pfnano": _pfnano,
    "edm4hep": _edm4hep,
    "ispy": _ispy,
}


def open_source(path: str, recipe: Recipe, everything: bool = False) -> Source:
    """Open a file as the kind of source that the recipe names; its format is found by its first bytes.

    Args:
        path: The file.
        recipe: What it holds.
        everything: Read all candidates, labelled or not: what cannot be drawn, is not finite or beyond the
            options' limits comes with an empty image and a status, instead of an error or not at all.

    Raises:
        RecipeError: its fields or options do not make sense.
        InputError: the file is missing, damaged, or does not hold what the recipe names.
    """
    if everything:
        recipe = replace(recipe, inputs=replace(recipe.inputs, label=Label(unlabelled=True)))
    return SOURCES[recipe.inputs.source](path, recipe, everything)
