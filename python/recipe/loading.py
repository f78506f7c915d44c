"""Read a recipe: a YAML file by name or path, dotted overrides on top, everything checked."""

from __future__ import annotations

import copy
import dataclasses
import re
import types
import typing
from pathlib import Path
from typing import Any, Literal

import yaml

from ..errors import RecipeError, suggest
from .schema import Recipe

_WORDING = (  # what jsonargparse says, and how we say it
    (r'Parser key "(?:recipe\.)?([^"]+)":', r"\1:"),
    (r"<class '(?:\w+\.)*(\w+)'>", r"\1"),
    (r"typing\.Literal\[([^\]]*)\]", r"one of \1"),
    (
        r"Not a valid subclass of \w+\. Got value: (.*?) Subclass types expect.*",
        r"expected name and options, found \1",
    ),
    (r"Expected an? ([^.]+(?:\.\d+[^.]*)*)\. Got value:", r"expected \1, found"),
)

RESOURCES = (Path(__file__).resolve().parents[1] / "data", Path(__file__).resolve().parents[2] / "data")


def resource(relative: str) -> Path:
    """Return the path of a file of `data/`, in a checkout, in CMSSW or in an installed package.

    Raises:
        RecipeError: there is no such file.
    """
    for folder in RESOURCES:
        if (folder / relative).exists():
            return folder / relative
    raise RecipeError(f"{relative}: not found in the package's data folder; install the package whole")


def recipe_names() -> list[str]:
    """Return the names of the built-in recipes."""
    return sorted(path.stem for path in resource("recipes").glob("*.yaml"))


def recipe_path(name_or_file: str | Path) -> Path:
    """Return the file of a built-in recipe or of the user's own.

    Raises:
        RecipeError: neither a built-in name nor a file.
    """
    if str(name_or_file) in recipe_names():
        return resource(f"recipes/{name_or_file}.yaml")
    path = Path(name_or_file)
    if path.is_file():
        return path
    hint = suggest(str(name_or_file), recipe_names())
    raise RecipeError(f"recipe '{name_or_file}' is neither a file nor built in; {hint}")


def load_recipe(name_or_file: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe, put the dotted `overrides` on top, and check it.

    >>> load_recipe("top_tagging", {"training.max_epochs": 3}).training.max_epochs
    3

    Raises:
        RecipeError: unknown key (the nearest is named), wrong type, or contradictory values.
    """
    path = recipe_path(name_or_file)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{path}: not readable as YAML ({reason}); correct the file") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: found {type(content).__name__}, expected a mapping of recipe sections")
    return parse_recipe(content, overrides or {}, str(path))


def parse_recipe(content: dict[str, Any], overrides: dict[str, Any], origin: str) -> Recipe:
    """Build a recipe from the mapping of a YAML file and dotted overrides.

    `origin` names the mapping in errors, but for an override its option is named. An override of `model.name`
    drops the options that the file gives to the model it names.

    Raises:
        RecipeError: as `load_recipe`.
    """
    try:
        return _checked(_overridden(content, overrides), origin)
    except RecipeError as error:
        raise RecipeError(_blamed(str(error), content, overrides, origin)) from error


def _overridden(content: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping of a recipe with the overrides on top."""
    merged = copy.deepcopy(content)
    name = overrides.get("model.name")
    if name is not None and isinstance(merged.get("model"), dict) and merged["model"].get("name") != name:
        merged["model"].pop("options", None)
    for key, value in overrides.items():
        _set(merged, key.split("."), value)
    return merged


def _checked(content: dict[str, Any], origin: str) -> Recipe:
    _check_value(Recipe, content, origin, "")
    recipe = _build(content, origin)
    for problem in recipe.problems():
        raise RecipeError(f"{origin}: {problem}")
    return recipe


def _blamed(text: str, content: dict[str, Any], overrides: dict[str, Any], origin: str) -> str:
    """Return an error in which the options stand that caused it, if they did, not the recipe's file."""
    problem = text.removeprefix(f"{origin}: ")
    named = problem
    for key in overrides:
        named = re.sub(rf"(?<![\w.-]){re.escape(key)}(?!\w)", f"--{key}", named, count=1)
    if named != problem or not overrides:
        return named if overrides else text
    try:
        _checked(_overridden(content, {}), origin)
    except RecipeError:
        return text
    return f"{', '.join(f'--{key}' for key in overrides)}: {problem}"


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as plain dictionaries and lists, every default written out."""
    return dataclasses.asdict(recipe)


def recipe_yaml(recipe: Recipe) -> str:
    """Return the recipe as the text of a YAML file."""
    return yaml.safe_dump(recipe_dict(recipe), sort_keys=False, width=110)


def _set(content: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(content.get(key), dict):
            content[key] = {}
        content = content[key]
    content[keys[-1]] = _merged(content.get(keys[-1]), value)


def _merged(old: Any, new: Any) -> Any:
    """Return `new`; of two mappings, what either has, and where both have it that of `new`."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def _check_value(kind: Any, value: Any, origin: str, path: str) -> None:
    """Name the first unknown key or choice in the value of a field, and what was probably meant.

    Other types are left to `_build`.
    """
    origin_kind, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        _check_section(typing.cast(type, kind), value, origin, path)
    elif origin_kind is Literal:
        if value not in arguments:
            raise RecipeError(f"{origin}: '{path}' is {value!r}; {suggest(str(value), arguments)}")
    elif origin_kind in (typing.Union, types.UnionType):
        if value is not None:
            for choice in arguments:
                _check_value(choice, value, origin, path)
    elif origin_kind is list and isinstance(value, list):
        for number, item in enumerate(value):
            _check_value(arguments[0], item, origin, f"{path}[{number}]")
    elif origin_kind is dict and isinstance(value, dict):
        for key, item in value.items():
            _check_value(arguments[1], item, origin, f"{path}.{key}")


def _check_section(section: type, content: Any, origin: str, path: str) -> None:
    if not isinstance(content, dict):
        raise RecipeError(f"{origin}: '{path}' is {content!r}; expected a mapping")
    known = typing.get_type_hints(section)
    for key, value in content.items():
        name = f"{path}.{key}" if path else str(key)
        if key not in known:
            raise RecipeError(f"{origin}: unknown key '{name}'; {suggest(str(key), known)}")
        _check_value(known[key], value, origin, name)


def _build(content: dict[str, Any], origin: str) -> Recipe:
    from jsonargparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Recipe, "recipe")
    try:
        config = parser.parse_object({"recipe": content})
        recipe: Recipe = parser.instantiate(config).recipe
    except (ArgumentError, TypeError, ValueError) as error:
        raise RecipeError(f"{origin}: {plain_words(str(error))}; correct this key") from error
    return recipe


def plain_words(text: str) -> str:
    r"""Return an error of jsonargparse in one line that names keys and types as recipes do.

    >>> plain_words('Parser key "recipe.training.seed":\n  Expected a <class \'int\'>. Got value: a')
    'training.seed: expected int, found a'
    """
    line = " ".join(text.split())
    for pattern, words in _WORDING:
        line = re.sub(pattern, words, line)
    return line
