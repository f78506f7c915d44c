"""Checkpoints that are whole or absent, and the networks inside them."""

# ruff: noqa: ARG002  # hooks of Lightning get more than they need
from __future__ import annotations

import io
import logging
import os
import signal
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
import msgspec
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ..artefacts import to_plain
from ..errors import ModelError, ParticleViTError, Terminated
from ..files import atomic_path, unwritable
from ..models import Ensemble, Network, build_recipe_model
from ..recipe import parse_recipe
from ..run_folder import RunFolder
from ..store import ImageSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoreReference:
    """The store that a run was trained on."""

    path: str
    id: str


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says about itself, under Lightning's key `hyper_parameters`."""

    recipe: dict[str, Any]
    """The recipe as plain dictionaries, every default written out."""
    image: ImageSpec
    classes: tuple[str, ...]
    store: StoreReference
    members: tuple[CheckpointInfo, ...] = ()
    """What an ensemble is made of; empty for a single network."""
    mean: str = ""
    """What an ensemble averages."""
    pretext: str = ""
    """What a network was pretrained to do, whose head is not trained; empty after a training."""

    def to_plain(self) -> dict[str, Any]:
        """Return the content as JSON types."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @classmethod
    def from_plain(cls, content: Any) -> CheckpointInfo:
        """Return the inverse of `to_plain`.

        Raises:
            ValueError: a key is missing or has another type.
        """
        return msgspec.convert(content, cls)


SAVE_SECONDS = 120.0
"""Time between checkpoints inside a long epoch."""
CHECK_BATCHES = 20


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames; Lightning's own way moves the file from another folder."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Save `checkpoint` so that `path` is never half-written."""
        save_whole(checkpoint, Path(path))


def save_whole(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        OutputError: no room, or no permission.
    """
    buffer = io.BytesIO()  # a full disk is then met by a plain write, not inside of torch
    torch.save(content, buffer)
    try:
        with atomic_path(path) as partial, partial.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from error


class RunCheckpoint(Checkpoint):
    """Saves best.ckpt where the validation AUC rose, then last.ckpt; the latter also inside long epochs.

    The best goes first: a process killed between the two resumes from the older last.ckpt and writes both.
    """

    def __init__(
        self, folder: RunFolder, save_seconds: float = SAVE_SECONDS, check_batches: int = CHECK_BATCHES
    ) -> None:
        self.folder = folder
        self.save_seconds, self.check_batches = save_seconds, check_batches
        self.best = -1.0
        self.finished = False
        self._saved = time.monotonic()
        self._asked_to_stop = False

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock of checkpoints inside an epoch; from now on SIGTERM is noted, and answered later.

        Lightning restores the handler that was there before.
        """
        self._saved = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save inside a long epoch, where no gradient is pending."""
        count = batch_idx + 1
        whole_step = count % trainer.accumulate_grad_batches == 0
        if not whole_step or count >= trainer.num_training_batches:
            return
        if (
            trainer.world_size > 1 and count % self.check_batches
        ):  # the processes have to agree, which takes time
            return
        asked = _anywhere(trainer, self._asked_to_stop)
        late = count % self.check_batches == 0 and time.monotonic() - self._saved > self.save_seconds
        if asked or trainer.strategy.broadcast(late):
            self._save(trainer, self.folder.last_checkpoint)
        if asked:
            raise Terminated

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save at the end of an epoch, after its row of the history and the decision to stop."""
        auc = float(trainer.callback_metrics["validation_auc"])
        self.finished = trainer.should_stop or trainer.current_epoch + 1 >= (trainer.max_epochs or 0)
        if auc > self.best:
            self.best = auc
            self._save(trainer, self.folder.best_checkpoint)
        self._save(trainer, self.folder.last_checkpoint)
        if not self.finished and _anywhere(trainer, self._asked_to_stop):
            raise Terminated

    def _save(self, trainer: lightning.Trainer, path: Path) -> None:
        trainer.save_checkpoint(path)
        self._saved = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Return what must survive."""
        return {"best": self.best, "finished": self.finished}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.best = float(state_dict["best"])


def _anywhere(trainer: lightning.Trainer, here: bool) -> bool:
    """Tell whether something holds in any process of the training."""
    if trainer.world_size == 1:
        return here
    return bool(trainer.strategy.reduce(torch.tensor(float(here)), reduce_op="sum") > 0)


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of a checkpoint of this package; its `hyper_parameters` as a `CheckpointInfo`.

    Raises:
        ModelError: missing, torn, or of something else.
    """
    if not Path(path).is_file():
        raise ModelError(f"{path}: no such checkpoint; train this run first")
    try:
        _check_bytes(Path(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
        plain = content["hyper_parameters"]
        described = "seed" in plain.get("image", {"seed": None})
        info = CheckpointInfo.from_plain(plain) if described else None
    except msgspec.ValidationError as error:
        raise ModelError(
            f"{path}: a checkpoint of another program ({error}); expected one written by scripts/train.py"
        ) from error
    except PermissionError as error:
        raise ModelError(f"{path}: no permission to read it; ask its owner for it") from error
    except Exception as error:  # torch.load raises whatever the damaged bytes lead to
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ModelError(
            f"{path}: not a readable checkpoint of this package ({reason}); train again"
        ) from error
    if info is None:
        raise ModelError(
            f"{path}: of an earlier version, without the images' seed cell and tier; ingest and train again"
        )
    return {**content, "hyper_parameters": info}


def _check_bytes(path: Path) -> None:
    """Compare the entries of a checkpoint, which is a zip archive, with their checksums; torch does not.

    Raises:
        ValueError: an entry is damaged.
        zipfile.BadZipFile: it is no archive, or torn.
    """
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} is damaged")


def resume_point(folder: RunFolder) -> tuple[Path, dict[str, Any]] | None:
    """Return the newest readable checkpoint of a run and its content, None where there is none."""
    for path in (folder.last_checkpoint, folder.best_checkpoint):
        if path.is_file():
            try:
                return path, read_checkpoint(path)
            except ModelError as error:
                logger.warning("%s; an older state is used", str(error).rpartition("; ")[0])
    return None


def load_network(path: str | os.PathLike[str]) -> tuple[Network | Ensemble, CheckpointInfo]:
    """Return the network of a checkpoint, in evaluation mode, and what it says about itself.

    Where a moving average of the weights was trained, that is the network. The checkpoint of an ensemble
    gives all members as one.

    Raises:
        ModelError: the checkpoint is missing, torn, or its weights are of another model.
    """
    content = read_checkpoint(path)
    info: CheckpointInfo = content["hyper_parameters"]
    try:
        network = _build(info, str(path))
        network.load_state_dict(network_state(content))
    except (ParticleViTError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not the model that its recipe names ({reason}); train again") from error
    return network.eval(), info


def _build(info: CheckpointInfo, origin: str) -> Network | Ensemble:
    """Build what a checkpoint describes, with fresh weights."""
    if info.members:
        return Ensemble([_build_one(member, origin) for member in info.members], info.mean)
    return _build_one(info, origin)


def _build_one(info: CheckpointInfo, origin: str) -> Network:
    return build_recipe_model(parse_recipe(info.recipe, {}, origin), info.image)


def network_state(content: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return the weights to evaluate out of a checkpoint's content."""
    state = content["state_dict"]
    prefix = "ema." if any(key.startswith("ema.") for key in state) else "network."
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
