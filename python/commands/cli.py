"""Command lines from typed functions.

A script gives its function to `run`: the signature becomes the options, the docstring the help, and sections
of the recipe become dotted overrides. A user's mistake ends in one line and exit code 2.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ParticleViTError, RecipeError, suggest

LISTS = {"transforms": "Steps on every batch before the network: '[{name: NAME, options: {KEY: VALUE}}]'."}
"""Sections of the recipe that are lists, and their lines of --help."""
INTERRUPTED = 130  # what a shell reports after Ctrl-C


def say(text: str) -> None:
    """Print a result on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def numbers(option: str, text: str) -> list[int]:
    """Return whole numbers that stand with commas between.

    >>> numbers("--sizes", "5000,10000")
    [5000, 10000]

    Raises:
        RecipeError: something else stands there.
    """
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as error:
        raise RecipeError(f"{option} is '{text}'; expected whole numbers with commas between") from error


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
        sys.exit(fail(error))
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
    _add_dashes(parser)
    recipe_parser = ArgumentParser(exit_on_error=False, add_help=False, usage=argparse.SUPPRESS)
    _add_sections(recipe_parser, sections)
    words, recipe_words = _split_words(sys.argv[1:] if arguments is None else arguments, sections)
    if {"-h", "--help"} & set(words):
        say(parser.format_help() + recipe_parser.format_help())
        sys.exit(0)
    _check_options([parser], words, also=[recipe_parser])
    _check_options([recipe_parser], recipe_words)
    try:
        explicit = recipe_parser.parse_args(recipe_words, defaults=False).as_dict()
        values = parser.parse_args(words).as_dict()
    except (ArgumentError, TypeError, ValueError) as error:
        raise RecipeError(" ".join(str(error).split())) from error
    names = inspect.signature(command).parameters
    result = {name: values[name] for name in names if name != "overrides"}
    if "overrides" in names:
        result["overrides"] = _flatten(explicit)
    return result


def _add_sections(parser: Any, sections: Sequence[str]) -> None:
    from .. import recipe

    kinds = typing.get_type_hints(recipe.Recipe)
    for section in sections:
        if section in LISTS:
            parser.add_argument(f"--{section}", type=kinds[section], help=LISTS[section])
            continue
        parser.add_class_arguments(kinds[section], section)
        next(a for a in parser._actions if a.option_strings == [f"--{section}"]).help = argparse.SUPPRESS


def _add_dashes(parser: Any) -> None:
    """Let the option of a parameter like on_error be written --on-error, too."""
    for action in parser._actions:
        for option in [option for option in action.option_strings if "_" in option]:
            action.option_strings = [option.replace("_", "-"), option]
            parser._option_string_actions[option.replace("_", "-")] = action


def _split_words(words: Sequence[str], sections: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the command's own words from those of the recipe's sections.

    They are parsed apart, because a command may have an option --inputs beside the recipe's --inputs.KEY.
    """
    own: list[str] = []
    recipe: list[str] = []
    target = own
    for word in words:
        if word.startswith("-") and not _is_number(word):
            target = recipe if _is_of_recipe(word, sections) else own
        target.append(word)
    return own, recipe


def _is_of_recipe(word: str, sections: Sequence[str]) -> bool:
    """Tell whether an option sets a field of a section, or a section that is a list."""
    whole = [f"--{section}" for section in sections if section in LISTS]
    return word.startswith(tuple(f"--{section}." for section in sections)) or word.split("=")[0] in whole


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _check_options(parsers: Sequence[Any], words: Sequence[str], also: Sequence[Any] = ()) -> None:
    """Raise for an option that none of `parsers` has; the nearest one of these or of `also` is named."""
    known = _options(parsers)
    for word in words:
        name = word.split("=")[0]
        if name.startswith("--") and len(name) > 2 and not _is_known(name, known):
            raise RecipeError(
                f"unknown option '{name}'; {suggest(name, known + _options(also))} (see --help)"
            )


def _options(parsers: Sequence[Any]) -> list[str]:
    return [option for parser in parsers for action in parser._actions for option in action.option_strings]


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


def fail(error: ParticleViTError) -> int:
    """Print the one line that a user gets, and return the exit code."""
    line = " ".join(str(error).split())
    sys.stderr.write(f"error: {line}\n")
    return 2
