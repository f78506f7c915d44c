"""Command lines from typed functions.

A script gives its function to `run`: the signature becomes the options, the docstring the help, and sections
of the recipe become dotted overrides. A user's mistake ends in one line and exit code 2.
"""

from __future__ import annotations

import inspect
import logging
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any

from .errors import ParticleViTError, RecipeError, suggest

INTERRUPTED = 130  # what a shell reports after Ctrl-C


def say(text: str) -> None:
    """Print a result on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(
    command: Callable[..., None],
    sections: Sequence[str] = (),
    positional: bool = False,
    arguments: Sequence[str] | None = None,
) -> None:
    """Run `command` with the options of the command line and exit.

    Args:
        command: function whose parameters are the options; one named `overrides` receives the recipe's.
        sections: sections of the recipe whose fields are options, such as "training".
        positional: whether parameters without default come without their name.
        arguments: what to parse; by default the process's arguments.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        command(**parse(command, sections, positional, arguments))
    except ParticleViTError as error:
        sys.exit(_fail(error))
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command continues\n")
        sys.exit(INTERRUPTED)


def parse(
    command: Callable[..., None],
    sections: Sequence[str] = (),
    positional: bool = False,
    arguments: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return the arguments of `command` that the command line gives; see `run`.

    Raises:
        RecipeError: an option that does not exist (the nearest is named) or has a wrong value.
    """
    from jsonargparse import ArgumentError, ArgumentParser, set_parsing_settings

    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    summary = (inspect.getdoc(command) or "").partition("\nArgs:")[0]
    parser = ArgumentParser(exit_on_error=False, description=summary, usage="%(prog)s [options]")
    parser.add_function_arguments(command, skip={"overrides"}, as_positional=positional)
    given_sections = _add_sections(parser, sections)
    words = list(sys.argv[1:] if arguments is None else arguments)
    _check_options(parser, words)
    try:
        explicit = parser.parse_args(words, defaults=False).as_dict()
        values = parser.parse_args(words).as_dict()
    except (ArgumentError, TypeError, ValueError) as error:
        raise RecipeError(" ".join(str(error).split())) from error
    names = inspect.signature(command).parameters
    result = {name: values[name] for name in names if name != "overrides"}
    if "overrides" in names:
        result["overrides"] = _flatten({name: explicit[name] for name in given_sections if name in explicit})
    return result


def _add_sections(parser: Any, sections: Sequence[str]) -> Sequence[str]:
    from . import recipe

    kinds = typing.get_type_hints(recipe.Recipe)
    for section in sections:
        parser.add_class_arguments(kinds[section], section)
    return sections


def _check_options(parser: Any, words: Sequence[str]) -> None:
    """Raise for an option that does not exist."""
    known = [option for action in parser._actions for option in action.option_strings]
    for word in words:
        name = word.split("=")[0]
        if name.startswith("--") and len(name) > 2 and not _is_known(name, known):
            raise RecipeError(f"unknown option '{name}'; {suggest(name, known)} (see --help)")


def _is_known(name: str, known: Sequence[str]) -> bool:
    """Tell whether `name` is an option, or an item of one that is a mapping (--model.options.dim)."""
    return any(name == option or ("." in option and name.startswith(f"{option}.")) for option in known)


def _flatten(nested: dict[str, Any], prefix: str = "", depth: int = 2) -> dict[str, Any]:
    """Return {"section.key": value} down to `depth` levels; deeper dictionaries stay values."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict) and depth > 1:
            flat.update(_flatten(value, f"{prefix}{key}.", depth - 1))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _fail(error: ParticleViTError) -> int:
    line = " ".join(str(error).split())
    sys.stderr.write(f"error: {line}\n")
    return 2
