"""Markdown documents of tables, lists and remarks, with a front matter that model hubs read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ..files import atomic_path
from .page import format_cell


class Markdown:
    """A document that grows block by block."""

    def __init__(self, title: str, front: Mapping[str, Any] | None = None) -> None:
        self._blocks = [] if front is None else [f"---\n{_yaml(front)}---"]
        self._blocks.append(f"# {title}")

    def heading(self, text: str) -> None:
        """Start a section."""
        self._blocks.append(f"## {text}")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._blocks.append(text)

    def items(self, texts: Sequence[str]) -> None:
        """Add a list; nothing where it is empty."""
        if texts:
            self._blocks.append("\n".join(f"- {text}" for text in texts))

    def code(self, text: str, language: str = "") -> None:
        """Add lines of code."""
        self._blocks.append(f"```{language}\n{text}\n```")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add a table; floats are written with four significant digits. Nothing where it has no row."""
        if rows:
            lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
            self._blocks.append("\n".join(f"| {' | '.join(line)} |" for line in lines))

    def mapping(self, values: Mapping[str, Any]) -> None:
        """Add a table of names and values."""
        self.table(("", ""), list(values.items()))

    def __str__(self) -> str:
        return "\n\n".join(self._blocks) + "\n"

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the document to `path`, atomically."""
        with atomic_path(path) as partial:
            partial.write_text(str(self), encoding="utf-8")


def _cell(value: Any) -> str:
    return format_cell(value).replace("|", "\\|").replace("\n", " ")


def _yaml(front: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True))
