"""Command lines from typed functions.

A verb gives its function to `run`: the signature becomes the options, the docstring the help, and sections of
the recipe become dotted overrides. A user's mistake ends in one line and exit code 2.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError, suggest
from .options import Option, add_option, command_options, recipe_options
from .session import session

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

FAILED = 1
"""Exit code of a proof that failed."""
COMMON = (
    Option("quiet", bool, "Say nothing but the result and what is wrong.", False),
    Option("verbose", bool, "Say more than usual.", False),
)
"""Options of every command."""


def say(text: str) -> None:
    """Print a result on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(
    command: Callable[..., None], sections: Sequence[str] = (), arguments: Sequence[str] | None = None
) -> None:
    """Run `command` with the options of the command line and exit; see `session.session` for how.

    Args:
        command: function whose parameters are the options; those before `/` come without a name, and one
            named `overrides` receives what the user set of the recipe, by dotted key.
        sections: sections of the recipe whose fields are options, such as "training".
        arguments: what to parse; by default the process's arguments.
    """
    words = sys.argv[1:] if arguments is None else arguments

    def action() -> None:
        values = parse(command, sections, words)
        parameters = inspect.signature(command).parameters.values()
        unnamed = [values.pop(one.name) for one in parameters if one.kind is one.POSITIONAL_ONLY]
        command(*unnamed, **values)

    level = logging.DEBUG if "--verbose" in words else logging.INFO
    session(action, logging.WARNING if "--quiet" in words else level)


def parse(command: Callable[..., None], sections: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of `command` that the words of a command line give; see `run`.

    Raises:
        RecipeError: an option that does not exist (the nearest is named), is missing, or has a wrong value.
    """
    from jsonargparse import ArgumentError

    own, recipe = command_options(command), recipe_options(sections)
    parser = make_parser(command, own, recipe)
    if {"-h", "--help"} & set(words):
        say(parser.format_help().rstrip())
        sys.exit(0)
    options = [*own, *COMMON, *(option for options in recipe.values() for option in options)]
    _check_names(words, options)
    try:
        found = parser.parse_args(list(words), defaults=False)
    except (ArgumentError, TypeError, ValueError) as error:
        raise RecipeError(f"{_wording(str(error), options)} (see --help)") from error
    for option in own:
        if option.required and option.key not in found:
            raise RecipeError(f"{option.flag} is missing: {option.text} (see --help)")
    values = {option.name: found[option.key] for option in own if option.key in found}
    if "overrides" in inspect.signature(command).parameters:
        values["overrides"] = _overrides(found, recipe)
    return values


def make_parser(
    command: Callable[..., None], own: Sequence[Option], recipe: dict[str, list[Option]]
) -> ArgumentParser:
    """Return the parser of a command with its own options and those of the recipe, group by group."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(
        exit_on_error=False,
        allow_abbrev=False,
        description=_description(command),
        usage=" ".join(["%(prog)s", *(option.usage for option in own if option.required), "[options]"]),
        epilog="Defaults of the recipe's keys hold where the recipe says nothing." if recipe else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for option in (*own, *COMMON):
        add_option(parser, option)
    for title, options in recipe.items():
        group = parser.add_argument_group(title)
        for option in options:
            add_option(group, option)
    return parser


def _description(command: Callable[..., None]) -> str:
    """Return the paragraphs above Args of a command's docstring, as wide as the terminal."""
    text = (inspect.getdoc(command) or "").partition("\n\nArgs:")[0]
    width = shutil.get_terminal_size().columns - 2
    return "\n\n".join(textwrap.fill(paragraph, width) for paragraph in text.split("\n\n"))


def _check_names(words: Sequence[str], options: Sequence[Option]) -> None:
    """Refuse an option that does not exist; the nearest one is named."""
    known = [option.flag for option in options if not option.positional]
    known += [f"--no-{option.flag[2:]}" for option in options if option.kind is bool]
    mappings = [option.flag for option in options if option.is_mapping]
    for word in words:
        name = word.split("=")[0]
        if name.startswith("--") and len(name) > 2 and name not in known:
            item, _, key = name.rpartition(".")
            if item.rpartition(".")[0] in mappings:
                raise RecipeError(f"unknown option '{name}'; give {item} '{{{key}: VALUE}}'")
            if item not in mappings:
                raise RecipeError(f"unknown option '{name}'; {suggest(name, known)} (see --help)")


def _overrides(found: Namespace, recipe: dict[str, list[Option]]) -> dict[str, Any]:
    """Return {dotted key: value} of what the user set of the recipe."""
    keys = [option.name for options in recipe.values() for option in options]
    return {key: found[key] for key in keys if key in found}


def _wording(text: str, options: Sequence[Option]) -> str:
    """Return an error of the parser in words of the command line."""
    from ..recipe.loading import plain_words

    line = plain_words(text).removeprefix("argument ").replace("unrecognized arguments:", "unexpected word")
    key, colon, reason = line.partition(":")
    flags = {option.name: option.flag for option in options}
    return f"{flags.get(key, key)}{colon}{reason}"
