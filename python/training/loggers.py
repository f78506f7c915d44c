"""The logger beside history.csv, chosen by training.logger."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import RecipeError


def check_logger(kind: str) -> None:
    """Check that the package of a logger is installed.

    Raises:
        RecipeError: it is not.
    """
    if kind != "csv" and find_spec(kind) is None:
        raise RecipeError(
            f"training.logger is {kind}, which is not installed; pip install 'particlevit[tracking]'"
        )


def make_logger(kind: str, run: Path, name: str) -> Any:
    """Return a Lightning logger below `run`; False for csv, since history.csv is always written.

    Weights & Biases works offline where WANDB_MODE=offline.

    Raises:
        RecipeError: its package is not installed.
    """
    check_logger(kind)
    if kind == "tensorboard":
        from lightning.pytorch.loggers import TensorBoardLogger

        return TensorBoardLogger(run, name="tensorboard", version="")
    if kind == "wandb":
        from lightning.pytorch.loggers import WandbLogger

        return WandbLogger(name=run.name, project=name, save_dir=run)
    return False
