"""Errors that a user can cause and mend.

Commands print their message, one line, and exit with code 2; anything else is a defect of this package.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ParticleViTError(Exception):
    """Base of all errors whose message says what was found, what was expected and what to do."""


class InputError(ParticleViTError):
    """A file of the user cannot be read or does not hold what the recipe names."""


class OutputError(ParticleViTError):
    """A result cannot be written: no room, no permission, or something else is in its place."""


class RecipeError(ParticleViTError):
    """A recipe, or an option that overrides it, is wrong."""


class StoreError(ParticleViTError):
    """A store is missing, damaged, or another one than expected."""


class ModelError(ParticleViTError):
    """A model, its options or a checkpoint do not fit."""


class RunError(ParticleViTError):
    """A run folder is missing, incomplete, or belongs to another recipe."""


class DeploymentError(ParticleViTError):
    """An export cannot be written, loaded or trusted."""


class Terminated(BaseException):
    """The process was asked to end by SIGTERM; no error, and nothing but the command line catches it."""


def suggest(found: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, else all of them.

    >>> suggest("simple_vti", ["vit", "simple_vit"])
    "did you mean 'simple_vit'?"
    >>> suggest("xyz", ["vit", "cct"])
    'known: cct, vit'
    """
    words = sorted(known)
    near = difflib.get_close_matches(found, words, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(words) or 'none'}"
