"""The trained network of a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RunError
from .calibrated import Calibrated, read_temperature

if TYPE_CHECKING:
    from ..models import Ensemble, Network

    Model = Network | Ensemble | Calibrated


def trained_network(run: Path, calibrated: bool = True) -> Model:
    """Return the network of RUN/checkpoints/best.ckpt in evaluation mode, calibrated where the run is.

    Raises:
        RunError: there is no such file.
        ModelError: it is torn, or holds another kind of model.
    """
    from ..training.checkpoint import load_network

    path = run / "checkpoints" / "best.ckpt"
    if not path.is_file():
        what = "not a run folder" if run.is_dir() else "no such folder"
        raise RunError(f"{run}: {what}, expected {path}; train it with scripts/train.py --run {run}")
    network, _ = load_network(path)
    temperature = read_temperature(run) if calibrated else None
    return (network if temperature is None else Calibrated(network, temperature)).eval()
