"""Training: from a store and a recipe to a run folder that can be killed and resumed at any time."""

from ..models.torch_imports import import_lightning

import_lightning()

from .auc import auc  # noqa: E402
from .checkpoint import load_network  # noqa: E402
from .run import pretrain, train  # noqa: E402

__all__ = ["auc", "load_network", "pretrain", "train"]
