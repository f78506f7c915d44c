"""What a run's metrics.json says about model and training."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from typing import Any

from .checkpoint import load_network
from .history import read_history


def summary(run: str | os.PathLike[str]) -> dict[str, Any]:
    """Return name, parameters and FLOPs of the run's model, and epochs, seconds and speed of its training.

    Raises:
        ModelError: no readable best.ckpt.
        RunError: no history.csv.
    """
    network, _ = load_network(Path(run) / "checkpoints" / "best.ckpt")
    rows = read_history(Path(run) / "history.csv")
    return {
        "model": {
            "name": network.name,
            "parameters": network.parameter_count,
            "flops_per_event": network.flops_per_event(),
        },
        "training": {
            "epochs": len(rows),
            "seconds": sum(row["seconds"] for row in rows),
            "images_per_second": median(row["images_per_second"] for row in rows),
        },
    }
