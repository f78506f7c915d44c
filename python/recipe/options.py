"""Check the options of something that a recipe names, against the signature of what will take them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from ..errors import RecipeError, suggest


def check_options(
    what: str, maker: Callable[..., Any], options: Mapping[str, Any], given: Collection[str] = ()
) -> None:
    """Refuse options that `maker`, a function or a class, does not take: by name, by type, or missing.

    Args:
        what: the key of the recipe and the name there, for errors.
        maker: its parameters are the options.
        options: what the recipe says.
        given: parameters that the recipe does not give.

    Raises:
        RecipeError: the first wrong option, with what was expected.
    """
    hints = typing.get_type_hints(maker.__init__ if inspect.isclass(maker) else maker)
    known = {name: one for name, one in inspect.signature(maker).parameters.items() if name not in given}
    for key, value in options.items():
        if key not in known:
            raise RecipeError(f"{what}: unknown option '{key}'; {suggest(key, known)}")
        try:
            msgspec.convert(value, hints[key])
        except msgspec.ValidationError as error:
            raise RecipeError(f"{what}: option {key} is {value!r}; {_expected(hints[key], value)}") from error
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in options:
            raise RecipeError(f"{what}: option {key} is missing; give it in options")


def _expected(kind: Any, value: Any) -> str:
    """Return what was expected in place of a value of another type."""
    if typing.get_origin(kind) is typing.Literal:
        return suggest(str(value), typing.get_args(kind))
    return f"expected {kind.__name__ if inspect.isclass(kind) else kind}"
