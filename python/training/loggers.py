"""The logger beside history.csv, chosen by training.logger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import RecipeError, suggest

_KINDS = ("csv", "tensorboard", "wandb")


def make_logger(kind: str, run: Path, name: str) -> Any:
    """Return a Lightning logger below `run`; False for csv, since history.csv is always written.

    Weights & Biases works offline where WANDB_MODE=offline.

    Raises:
        RecipeError: unknown kind, or its package is not installed.
    """
    if kind not in _KINDS:
        raise RecipeError(f"training.logger is '{kind}'; {suggest(kind, _KINDS)}")
    try:
        if kind == "tensorboard":
            from lightning.pytorch.loggers import TensorBoardLogger

            return TensorBoardLogger(run, name="tensorboard", version="")
        if kind == "wandb":
            from lightning.pytorch.loggers import WandbLogger

            return WandbLogger(name=run.name, project=name, save_dir=run)
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"training.logger is {kind}, which is not installed; pip install 'particlevit[tracking]'"
        ) from error
    return False
