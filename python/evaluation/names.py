"""What runs are called beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def run_names(runs: Sequence[Path]) -> list[str]:
    """Return the ends of the folders' paths that tell them apart.

    >>> run_names([Path("/a/vit"), Path("/a/cnn")]), run_names([Path("/a/plain/vit"), Path("/a/robust/vit")])
    (['vit', 'cnn'], ['plain/vit', 'robust/vit'])
    """
    parts = [run.resolve().parts for run in runs]
    names = [path[-1] for path in parts]
    for length in range(2, max(map(len, parts))):
        if len(set(names)) == len(set(parts)):
            break
        names = ["/".join(path[-length:]) for path in parts]
    return names
