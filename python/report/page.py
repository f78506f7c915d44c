"""Self-contained HTML pages of tables, figures and remarks, readable on screen and on paper."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..files import atomic_path

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; border-bottom: 2px solid #5790fc; padding-bottom: .2em; }
h2 { font-size: 1.2em; margin-top: 1.8em; }
table { border-collapse: collapse; margin: .8em 0; font-size: .92em; }
th, td { padding: .25em .8em; border-bottom: 1px solid #ccc; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 2px solid #888; }
figure { display: inline-block; margin: .5em .5em 1em 0; vertical-align: top; break-inside: avoid; }
figure img { max-width: 30em; width: 100%; }
figure.wide, figure.wide img, .wide figcaption { max-width: 62em; }
figcaption { font-size: .88em; color: #555; max-width: 34em; }
.warning { background: #fff3cd; border-left: 4px solid #e0a800; padding: .5em 1em; }
.pass { color: #1a7f37; } .fail { color: #c00; font-weight: bold; }
@media print { body { max-width: none; margin: 0; font-size: 11px; } h2 { break-after: avoid; } }
"""


class Page:
    """A page that grows section by section and is written as one file without outside references."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._parts: list[str] = [f"<h1>{html.escape(title)}</h1>"]

    def heading(self, text: str) -> None:
        """Start a section."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def warning(self, text: str) -> None:
        """Add a remark that stands out."""
        self._parts.append(f'<p class="warning">{html.escape(text)}</p>')

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add a table; floats are written with four significant digits."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(format_cell(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        self._parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def mapping(self, values: Mapping[str, Any]) -> None:
        """Add a table of names and values."""
        self.table(("", ""), list(values.items()))

    def figure(self, figure: Figure | Path, caption: str = "", wide: bool = False) -> None:
        """Add a figure of matplotlib, or a PNG file, with its caption; a wide one takes the whole page."""
        encoded = base64.b64encode(_png(figure)).decode("ascii")
        image = f'<img alt="{html.escape(caption)}" src="data:image/png;base64,{encoded}">'
        style = ' class="wide"' if wide else ""
        self._parts.append(f"<figure{style}>{image}<figcaption>{html.escape(caption)}</figcaption></figure>")

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page to `path`, atomically."""
        head = f'<meta charset="utf-8"><title>{html.escape(self.title)}</title><style>{STYLE}</style>'
        content = "\n".join(self._parts)
        with atomic_path(path) as partial:
            partial.write_text(
                f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{content}</body></html>\n',
                encoding="utf-8",
            )


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


def _table_row(tag: str, cells: Sequence[Any]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(format_cell(cell))}</{tag}>" for cell in cells) + "</tr>"


def _png(figure: Figure | Path) -> bytes:
    if isinstance(figure, os.PathLike):
        with open(figure, "rb") as file:
            return file.read()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()
