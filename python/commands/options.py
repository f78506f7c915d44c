"""The options of a command: from its function's signature and docstring, and from the recipe's sections."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

METAVARS = {
    Path: "PATH", int: "N", float: "X", str: "TEXT", dict: "'{KEY: VALUE, ...}'", list: "'[VALUE, ...]'",
}  # fmt: skip


class Option(NamedTuple):
    """One option of a command, or one field of a recipe's section."""

    name: str
    """Parameter of the command, or dotted key of the recipe."""
    kind: Any
    """Its type, without None."""
    text: str
    """Its line of --help."""
    default: Any = None
    required: bool = False
    positional: bool = False

    @property
    def key(self) -> str:
        """What the parser calls it."""
        return self.name.rstrip("_")

    @property
    def flag(self) -> str:
        """What the user types; a parameter's underscores are dashes, a last one (from_) is left out."""
        if self.positional:
            return self.name
        return f"--{self.key if '.' in self.name else self.key.replace('_', '-')}"

    @property
    def is_mapping(self) -> bool:
        """Whether its items are options too, like --model.options.dim."""
        return (typing.get_origin(self.kind) or self.kind) is dict

    @property
    def usage(self) -> str:
        """How it stands in the first line of --help."""
        if self.positional:
            return self.name.upper()
        item = _item(self.kind)
        return f"{self.flag} {_metavar(self.kind) if item is None else f'{_metavar(item)} [...]'}"


def command_options(command: Callable[..., None]) -> list[Option]:
    """Return the options that the signature and the docstring of a command describe."""
    from docstring_parser import parse

    hints = typing.get_type_hints(command)
    texts = {one.arg_name: one.description or "" for one in parse(command.__doc__ or "").params}
    options = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name != "overrides":
            kind, text = _without_none(hints[name]), " ".join(texts[name].split())
            required = parameter.default is parameter.empty
            default = None if required else parameter.default
            options.append(
                Option(name, kind, text, default, required, parameter.kind is parameter.POSITIONAL_ONLY)
            )
    return options


def recipe_options(sections: Sequence[str]) -> dict[str, list[Option]]:
    """Return the options of a recipe's sections, by the title of their group in --help."""
    if not sections:
        return {}
    from ..recipe import Recipe

    groups: dict[str, list[Option]] = {}
    for option in _fields(Recipe, "", sections):
        groups.setdefault(f"recipe, section {option.name.partition('.')[0]}", []).append(option)
    return groups


def _fields(section: type, prefix: str, names: Sequence[str] | None = None) -> list[Option]:
    """Return the fields of a section, and of the sections in it; only those called `names`, if given."""
    from docstring_parser import parse_from_object

    hints = typing.get_type_hints(section)
    texts = {one.arg_name: one.description or "" for one in parse_from_object(section).params}
    options: list[Option] = []
    for field in dataclasses.fields(section):
        kind = _without_none(hints[field.name])
        if names is not None and field.name not in names:
            continue
        if dataclasses.is_dataclass(kind):
            options += _fields(typing.cast(type, kind), f"{prefix}{field.name}.")
        else:
            text = " ".join(texts[field.name].split())
            options.append(Option(f"{prefix}{field.name}", kind, text, _default(field)))
    return options


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def add_option(target: Any, option: Option) -> None:
    """Add an option to a parser, or to a group of it."""
    from jsonargparse import ActionYesNo

    text = option.text.replace("%", "%%") + _default_text(option.default)
    item = _item(option.kind)
    if option.kind is bool and (option.default or "." in option.name):
        target.add_argument(option.flag, action=ActionYesNo(no_prefix="no-"), help=text)
    elif option.kind is bool:
        target.add_argument(option.flag, action="store_true", help=text)
    elif item is not None:
        choices = typing.get_args(item)  # of a Literal
        kind = {"type": str, "choices": choices} if choices else {"type": item}
        target.add_argument(
            option.flag, nargs="+", action="extend", metavar=_metavar(item), help=text, **kind
        )
    else:
        kind = _plain(option.kind)
        target.add_argument(option.flag, type=kind, metavar=_metavar(kind), help=text)


def _without_none(hint: Any) -> Any:
    """Return the type X of a hint X | None."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


def _item(kind: Any) -> Any:
    """Return the type of a list's items if they are single words, None for all other types."""
    if typing.get_origin(kind) not in (list, Sequence):
        return None
    item = typing.get_args(kind)[0]
    return item if item in METAVARS or typing.get_origin(item) is Literal else None


def _plain(kind: Any) -> Any:
    """Return the type to parse: of nested ones only the outermost, since the recipe checks the rest."""
    origin = typing.get_origin(kind)
    if origin in (None, Literal):
        return kind
    return dict[str, Any] if origin is dict else origin


def _metavar(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return "{" + ",".join(map(str, typing.get_args(kind))) + "}"
    return METAVARS[typing.get_origin(kind) or kind]


def _default_text(default: Any) -> str:
    """Return how --help names a default; nothing where there is none."""
    if default is None or default is False or default in ("", [], {}, ()):
        return ""
    words = default if isinstance(default, list | tuple) else [default]
    return f" (default: {' '.join(map(str, words))})"
