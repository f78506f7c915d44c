"""Labels softened by what another run, or an ensemble, makes of the training events."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ModelError, StoreError
from ..files import atomic_path, sha256, unwritable
from ..models import Ensemble, Network
from ..recipe import Recipe
from ..run_folder import RunFolder
from ..store import Store
from .checkpoint import load_network

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]


class Teacher(NamedTuple):
    """A trained network that fits the training's images and classes."""

    network: Network | Ensemble
    key: str
    """Which checkpoint, and which store: what its outputs depend on."""


def load_teacher(recipe: Recipe, store: Store) -> Teacher:
    """Return the teacher of a recipe.

    Raises:
        ModelError: no such checkpoint, one that knows no classes, or one of other images or classes.
    """
    path = RunFolder(Path(recipe.training.teacher)).best_checkpoint
    network, info = load_network(path)
    if info.pretext:
        raise ModelError(f"{path}: was pretrained and knows no classes; give a run of scripts/train.py")
    try:
        store.check_model(network.image, network.classes)
    except StoreError as error:
        raise ModelError(f"{path}: cannot teach these events ({error})") from error
    return Teacher(network.eval(), f"{sha256(path)} {store.info.id}")


def soft_labels(recipe: Recipe, store: Store, run: Path) -> Floats:
    """Return the labels of all training events, mixed with the teacher's probabilities, (N, K).

    The probabilities are computed once and kept in RUN/teacher.npz.

    Raises:
        ModelError: see `load_teacher`.
        OutputError: they cannot be written.
    """
    teacher, path = load_teacher(recipe, store), RunFolder(run).teacher_file
    kept = _read(path, teacher.key)
    if kept is None:
        logger.info("%s scores %d events", recipe.training.teacher, store.events("train"))
        kept = _score(teacher.network, store)
        try:
            with atomic_path(path) as partial, partial.open("wb") as file:
                np.savez(file, probabilities=kept, key=np.array(teacher.key))
        except OSError as error:
            raise unwritable(path, error) from error
    labels = store.read_columns("train", ())[1]
    hard = np.eye(len(recipe.classes), dtype=np.float32)[labels]
    weight = np.float32(recipe.training.teacher_weight)
    return hard + weight * (kept - hard)


def _read(path: Path, key: str) -> Floats | None:
    """Return the kept probabilities; None where there are none, or others."""
    try:
        with path.open("rb") as file, np.load(file) as content:
            kept: Floats = content["probabilities"]
            return kept if str(content["key"]) == key else None
    except Exception:  # not there, or whatever damaged bytes lead to: they are made again
        return None


@torch.no_grad()
def _score(network: Any, store: Store) -> Floats:
    """Return the probabilities (N, K) of all training events, in the store's order."""
    parts = []
    for block in store.blocks("train"):
        images = store.read_block("train", block, ()).images.to_dense()
        parts.append(network(torch.from_numpy(images)).numpy())
    return np.concatenate(parts)
