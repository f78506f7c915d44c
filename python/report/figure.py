"""The frame of every figure: CMS style, the package's name, PNG files that exist whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..files import atomic_path

COLORS = ("#5790fc", "#e42536", "#f89c20", "#964a8b", "#9c9ca1", "#7a21dd")  # Petroff 2021, the CMS palette


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

    with plt.style.context(mplhep.style.CMS):
        drawing, axes = plt.subplots(1, columns, figsize=(10 * columns, 10), layout="constrained")
        try:
            yield axes
            for one in np.atleast_1d(axes):
                one.set_title("ParticleViT", loc="left", fontsize=28, fontweight="bold")
                one.set_title(right, loc="right", fontsize=22)
            with atomic_path(path) as partial:
                drawing.savefig(partial, dpi=80)
        finally:
            plt.close(drawing)
