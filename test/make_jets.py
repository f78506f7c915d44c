"""Jets of two classes that tests write to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

SMALL = {
    "image.height": 16,
    "image.width": 16,
    "image.domain": {"pt": [0.0, None], "abs_eta": [0.0, 4.0]},
    "model.name": "hybrid_vit",
    "model.options": {"stem": [8], "dim": 16, "mlp_dim": 16, "heads": 2},
    "training.max_epochs": 1,
    "training.batch_size": 64,
    "training.threads": 1,
}
"""What makes the recipe `top_tagging` a matter of seconds."""


def make_jets(jets: int, seed: int = 1) -> dict[str, Any]:
    """Jets of massless particles; those of class 1 are wider."""
    random = np.random.default_rng(seed)
    counts, labels = random.integers(3, 20, jets), (np.arange(jets) % 2).astype(np.int32)
    total, width = int(counts.sum()), np.repeat(np.where(labels, 0.3, 0.15), counts)
    eta = np.repeat(random.uniform(-1.5, 1.5, jets), counts) + random.normal(0, width, total)
    phi = np.repeat(random.uniform(-np.pi, np.pi, jets), counts) + random.normal(0, width, total)
    pt = random.exponential(40, total) + 0.5
    flat = {"part_px": pt * np.cos(phi), "part_py": pt * np.sin(phi), "part_pz": pt * np.sinh(eta)}
    flat["part_energy"] = pt * np.cosh(eta)
    lists = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in flat.items()}
    return {**lists, "is_signal": labels}


def write_root(path: Path, columns: dict[str, Any]) -> Path:
    """Write columns, flat or jagged, as the tree `Events` of a ROOT file."""
    kinds = {
        name: values.dtype if isinstance(values, np.ndarray) else ak.type(values).content
        for name, values in columns.items()
    }
    with uproot.recreate(path) as file:
        file.mktree("Events", kinds).extend(columns)
    return path
