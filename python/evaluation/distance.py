"""How far an event is from the training's, in the features that a network computes of it.

Mahalanobis distance to the nearest class, with one covariance for all (K. Lee et al., arXiv:1807.03888).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import ModelError
from ..models import Network

if TYPE_CHECKING:
    from ..inference.run import Model

Floats = NDArray[np.floating]
Images = NDArray[np.float32]
BATCH = 256


def features_of(network: Model) -> Callable[[Images], Floats]:
    """Return what computes features (N, F) of raw images (N, C, H, W): the inputs of the last linear layer.

    Those of an ensemble's members stand side by side.

    Raises:
        ModelError: a network has no linear layer.
    """
    last = [_last_linear(one) for one in _single_networks(network)]

    def compute(images: Images) -> Floats:
        return np.concatenate([_inputs(network, last, part) for part in _parts(images)])

    return compute


def _single_networks(network: nn.Module) -> list[nn.Module]:
    members: list[nn.Module] = [one for one in network.modules() if isinstance(one, Network)]
    return members or [network]


def _last_linear(network: nn.Module) -> nn.Linear:
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not layers:
        name = getattr(network, "name", "")
        raise ModelError(f"model '{name}' has no linear layer whose inputs could tell events apart")
    return layers[-1]


def _parts(images: Images) -> list[Images]:
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]


def _inputs(network: nn.Module, layers: list[nn.Linear], images: Images) -> Floats:
    """Return what enters the layers, side by side."""
    seen: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[module] = inputs[0]

    hooks = [layer.register_forward_pre_hook(keep) for layer in layers]
    try:
        with torch.inference_mode():
            network(torch.from_numpy(np.ascontiguousarray(images)))
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat([seen[layer].flatten(1) for layer in layers], dim=1).double().numpy()


@dataclass(frozen=True)
class Distance:
    """Squared Mahalanobis distance to the nearest class."""

    means: Floats
    """(K, F)."""
    precision: Floats
    """Inverse of the covariance inside of the classes (F, F)."""

    def __call__(self, features: Floats) -> Floats:
        """Return the distances (N,) of features (N, F)."""
        offsets = features[:, None] - self.means  # (N, K, F)
        found: Floats = ((offsets @ self.precision) * offsets).sum(axis=2).min(axis=1)
        return found


def fit_distance(features: Floats, labels: NDArray[np.int64]) -> Distance:
    """Fit means and covariance; the latter is shrunk as far as the number of events asks for (Ledoit-Wolf).

    Args:
        features: (N, F).
        labels: classes (N,), each at least once.
    """
    from sklearn.covariance import LedoitWolf

    means = np.stack([features[labels == label].mean(axis=0) for label in np.unique(labels)])
    inside = features - means[np.searchsorted(np.unique(labels), labels)]
    scale = inside.std(axis=0) + 1e-12  # shrinking needs features of one size
    fitted = LedoitWolf(assume_centered=True).fit(inside / scale)
    return Distance(means, fitted.precision_ / np.outer(scale, scale))
