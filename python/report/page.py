"""Self-contained HTML pages of tables, figures and remarks, readable on screen and on paper."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from ..files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Page:
    """A page that grows block by block and is written as one file without outside references.

    How a block looks stands in page.html.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._blocks: list[dict[str, Any]] = []

    def heading(self, text: str) -> None:
        """Start a section."""
        self._blocks.append({"kind": "heading", "text": text})

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._blocks.append({"kind": "text", "text": text})

    def warning(self, text: str) -> None:
        """Add a remark that stands out."""
        self._blocks.append({"kind": "warning", "text": text})

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add a table; floats are written with four significant digits."""
        self._blocks.append({"kind": "table", "header": header, "rows": rows})

    def mapping(self, values: Mapping[str, Any]) -> None:
        """Add a table of names and values."""
        self.table(("", ""), list(values.items()))

    def figure(self, figure: Figure | Path, caption: str = "", wide: bool = False) -> None:
        """Add a figure of matplotlib, or a PNG file, with its caption; a wide one takes the whole page."""
        png = base64.b64encode(_png(figure)).decode("ascii")
        self._blocks.append({"kind": "figure", "png": png, "caption": caption, "wide": wide})

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page to `path`, atomically."""
        loader = jinja2.FileSystemLoader(Path(__file__).parent)
        environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        environment.filters["format_cell"] = format_cell
        text = environment.get_template("page.html").render(title=self.title, blocks=self._blocks)
        with atomic_path(path) as partial:
            partial.write_text(text + "\n", encoding="utf-8")


def format_cell(value: Any) -> str:
    """Return a table cell: floats with four significant digits, None as a dash.

    >>> format_cell(0.123456), format_cell(1000000), format_cell(None)
    ('0.1235', '1,000,000', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _png(figure: Figure | Path) -> bytes:
    if isinstance(figure, os.PathLike):
        return Path(figure).read_bytes()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()
