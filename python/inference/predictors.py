"""One interface over everything that can run a model: raw images in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeploymentError, ModelError
from .manifest import INPUT, OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from ..store import ImageSpec

BATCH = 128  # images per call: on a CPU, more are slower, since they leave its caches
Images = NDArray[np.float32]
Scorer = Callable[[Images], NDArray[np.float32]]
"""Scores one batch: (B, C, H, W) float32, contiguous -> (B, K) float32."""


class BackendUnavailableError(DeploymentError):
    """A backend cannot run here: its library, compiler or device is missing."""


@dataclass(frozen=True)
class Predictor:
    """A loaded model."""

    backend: str
    """Name of what runs it."""
    image: ImageSpec
    """The images that it takes."""
    classes: list[str]
    """Names of the K classes, in the order of the probabilities."""
    score: Scorer
    """Scores one batch without any check; for latency measurements."""
    std: bool = field(default=False, kw_only=True)
    """Whether standard deviations (N, K) of an ensemble's members stand right of the probabilities."""

    @property
    def width(self) -> int:
        """Numbers per image."""
        return len(self.classes) * (2 if self.std else 1)

    def predict(self, images: NDArray[Any], batch_size: int = BATCH) -> NDArray[np.float32]:
        """Return the probabilities (N, K), with `std` (N, 2 K), of raw images (N, C, H, W) in physical units.

        Raises:
            ModelError: the images have another shape than the model's.
        """
        images = self.checked(images)
        result = np.empty((len(images), self.width), np.float32)
        for start in range(0, len(images), batch_size):
            batch = np.ascontiguousarray(images[start : start + batch_size], dtype=np.float32)
            result[start : start + len(batch)] = self.score(batch)
        return result

    def checked(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the images as an array.

        Raises:
            ModelError: they have another shape than the model's.
        """
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[1:] != self.image.shape:
            channels = ", ".join(self.image.names)
            raise ModelError(
                f"images of shape {images.shape}, expected (N, {', '.join(map(str, self.image.shape))}) "
                f"with channels {channels}; cut the images as the model's recipe says"
            )
        return images


def torch_scorer(module: nn.Module, device: str = "cpu") -> Scorer:
    """Return the scorer of a torch module in evaluation mode, on `device`."""
    import torch

    def score(images: Images) -> NDArray[np.float32]:
        with torch.inference_mode():
            result: NDArray[np.float32] = module(torch.from_numpy(images).to(device)).cpu().numpy()
            return result

    return score


def check_device(device: str) -> None:
    """Raise an error unless torch can use `device` (cpu or cuda).

    Raises:
        BackendUnavailableError: a GPU is asked for and there is none.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise BackendUnavailableError("device cuda: torch finds no GPU here; use --device cpu")


def compiled_module(module: nn.Module) -> nn.Module:
    """Return the module compiled by torch.compile, for any batch size.

    Raises:
        BackendUnavailableError: there is no C++ compiler.
    """
    import shutil

    import torch

    if not any(shutil.which(name) for name in ("g++", "clang++", "c++")):
        raise BackendUnavailableError("backend compiled: torch.compile needs a C++ compiler; install g++")
    compiled: nn.Module = torch.compile(module, dynamic=True)  # type: ignore[assignment]
    return compiled


def load_torchscript(path: Path, device: str = "cpu") -> Scorer:
    """Return the scorer of a TorchScript file.

    Raises:
        DeploymentError: the file is torn or another kind of file.
    """
    import torch

    from .quiet import quiet_export

    try:
        with quiet_export():
            module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DeploymentError(f"{path}: not a TorchScript file ({reason}); export the run again") from error
    return torch_scorer(module.eval(), device)


def load_onnx(
    path: Path,
    threads: int | None = 1,
    device: str = "cpu",
    names: Sequence[str] = (INPUT, OUTPUT),
    wanted: int = 1,
) -> Scorer:
    """Return the scorer of an ONNX file: one session, inputs and outputs by name.

    Args:
        path: the file.
        threads: intra-op threads; None: one per core.
        device: cpu or cuda.
        names: of input and outputs.
        wanted: how many of the outputs to return, side by side.

    Raises:
        DeploymentError: the file is torn, another kind of file, or has other inputs or outputs.
        BackendUnavailableError: onnxruntime is missing, or has no GPU.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendUnavailableError(
            "backend onnx: onnxruntime is missing; pip install onnxruntime"
        ) from error
    providers = ["CPUExecutionProvider"] if device == "cpu" else ["CUDAExecutionProvider"]
    if providers[0] not in onnxruntime.get_available_providers():
        raise BackendUnavailableError(
            f"device {device}: this onnxruntime has no {providers[0]}; install onnxruntime-gpu"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime's exceptions have no common base
        reason = " ".join(str(error).split())[:200]
        raise DeploymentError(
            f"{path}: onnxruntime does not load it ({reason}); export the run again"
        ) from error
    input_name, *output_names = names
    found = [entry.name for entry in (*session.get_inputs(), *session.get_outputs())]
    if found != list(names):
        raise DeploymentError(
            f"{path}: inputs and outputs are {', '.join(found)}, expected {', '.join(names)}; "
            "export the run again"
        )

    def score(images: Images) -> NDArray[np.float32]:
        found = session.run(output_names[:wanted], {input_name: images})
        result: NDArray[np.float32] = found[0] if wanted == 1 else np.concatenate(found, axis=1)
        return result

    return score
