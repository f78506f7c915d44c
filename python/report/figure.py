"""The frame of every figure: CMS style, a label, PNG (and PDF) files that exist whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ..errors import RecipeError
from ..files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = ("#5790fc", "#e42536", "#f89c20", "#964a8b", "#9c9ca1", "#7a21dd")  # Petroff 2021, the CMS palette


class Style(NamedTuple):
    """What a user chooses of all figures."""

    label: str = "ParticleViT"
    """Text above the axes on the left; the first word bold, the others in italics: CMS Simulation."""
    pdf: bool = False
    """Whether a PDF is written beside each PNG."""


Place = Literal["upper left", "upper center", "upper right"]
DEFAULT = Style()
LONGEST_LABEL = 60
_style: ContextVar[Style] = ContextVar("style", default=DEFAULT)


@contextmanager
def figure_style(label: str = DEFAULT.label, pdf: bool = False) -> Iterator[None]:
    """Give all figures that are drawn inside of the block a label, and a PDF beside the PNG.

    Raises:
        RecipeError: the label is too long to fit above a figure.
    """
    if len(label) > LONGEST_LABEL:
        raise RecipeError(f"--label has {len(label)} characters; give {LONGEST_LABEL} or fewer")
    token = _style.set(Style(label, pdf))
    try:
        yield
    finally:
        _style.reset(token)


@contextmanager
def figure(path: Path, right: str = "", columns: int = 1) -> Iterator[Any]:
    """Yield the axes of a figure in CMS style and write it to `path` atomically.

    Args:
        path: PNG file to write.
        right: text above the axes on the right.
        columns: number of axes side by side; with more than one, an array of them is given.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import mplhep

    style = _style.get()
    with plt.style.context(mplhep.style.CMS):
        drawing, axes = plt.subplots(1, columns, figsize=(10 * columns, 10), layout="constrained")
        try:
            yield axes
            for one in np.atleast_1d(axes):
                one.set_title(label_text(style.label), loc="left", fontsize=28)
                one.set_title(right, loc="right", fontsize=22)
            for suffix in (".png", ".pdf") if style.pdf else (".png",):
                with atomic_path(path.with_suffix(suffix)) as partial:
                    drawing.savefig(partial, dpi=80)
        finally:
            plt.close(drawing)


def label_text(label: str) -> str:
    r"""Return a label for matplotlib: the first word bold, the others in italics.

    >>> label_text("CMS Simulation")
    '$\\bf{CMS}\\ \\it{Simulation}$'
    """
    words = [re.sub(r"([\\{}$%_^#&~])", r"\\\1", word) for word in label.split()]
    fonts = ["bf", *["it"] * (len(words) - 1)]
    text = r"\ ".join(rf"\{font}{{{word}}}" for font, word in zip(fonts, words, strict=False))
    return f"${text}$" if words else ""


def legend(axes: Axes, loc: Place = "upper right", fontsize: float = 20, **options: Any) -> None:
    """Add a legend at the top of the axes, and raise their limit so that it lies above all that is drawn."""
    found = axes.legend(loc=loc, fontsize=fontsize, **options)
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    box = found.get_window_extent().transformed(axes.transAxes.inverted())
    to_scale, from_scale = (np.log10, lambda x: 10**x) if axes.get_yscale() == "log" else (float, float)
    low, high = (to_scale(limit) for limit in axes.get_ylim())
    axes.set_ylim(from_scale(low), from_scale(low + (high - low) / max(box.y0 - 0.01, 0.3)))
