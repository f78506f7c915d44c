"""Convolutional networks: the published reference and a small residual network."""

from __future__ import annotations

import math
import os

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from .moments import Moments
from .network import Network, OneLogit
from .registry import register_model

_REFERENCE_LAYERS = {
    "conv1": "features.0", "conv2": "features.2", "conv3": "features.5", "conv4": "features.8",
    "fc1": "classifier.2", "fc2": "classifier.4", "fc3": "classifier.6",
}  # fmt: skip


class ReferenceCNN(nn.Module):
    """Valid 3 x 3 convolutions and a dense head, exactly as published for electrons against photons.

    For 32 x 32 x 2 images and one output: 30,465 parameters, 5.8 MFLOP.
    """

    def __init__(self, image: tuple[int, int, int], outputs: int, dropout: float, more: int = 0) -> None:
        super().__init__()
        channels, height, width = image
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        rows, columns = (((side - 4) // 2 - 2) // 2 - 2 for side in (height, width))
        if min(rows, columns) < 2:
            raise ValueError("the convolutions leave nothing; images must be at least 24 x 24")
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(32 * (rows // 2) * (columns // 2) + more, 96),
            nn.ReLU(), nn.Linear(96, 16), nn.ReLU(), nn.Linear(16, outputs),
        )  # fmt: skip

    def forward(self, image: Tensor, more: Tensor | None = None) -> Tensor:
        """Turn images (N, C, H, W), and what else the dense head gets (N, `more`), into (N, outputs)."""
        features = self.features(image)
        if more is not None:
            features = torch.cat([features.flatten(1), more], dim=1)
        logits: Tensor = self.classifier(features)
        return logits


class CNNWithMoments(nn.Module):
    """The reference CNN whose dense head also gets the moments of the raw image.

    Attributes:
        takes: see `Network`.
    """

    takes = "both"

    def __init__(self, image: tuple[int, int, int], outputs: int, dropout: float) -> None:
        super().__init__()
        self.moments = Moments(image)
        self.cnn = ReferenceCNN(image, outputs, dropout, self.moments.count)

    def forward(self, image: Tensor, amounts: Tensor) -> Tensor:
        """Turn normalised and raw images (N, C, H, W) into (N, outputs)."""
        logits: Tensor = self.cnn(image, self.moments(amounts))
        return logits


@register_model
def reference_cnn(
    image: tuple[int, int, int], classes: int, *, dropout: float = 0.25, moments: bool = False
) -> nn.Module:
    """Build the published CNN of 32 x 32 crops; for two classes it has one output, as published."""
    kind = CNNWithMoments if moments else ReferenceCNN
    return OneLogit(kind(image, 1, dropout)) if classes == 2 else kind(image, classes, dropout)


def load_reference_weights(network: Network, path: str | os.PathLike[str]) -> None:
    """Load the published weights into a `reference_cnn`.

    Args:
        network: a `reference_cnn` for two channels and two classes, whose preprocessing divides both by 50.
        path: Lightning checkpoint with keys `model.conv1.weight` and so on.

    Raises:
        ModelError: the file is not such a checkpoint, or the network is another one.
    """
    if network.name != "reference_cnn" or len(network.classes) != 2:
        found = f"{network.name} of {len(network.classes)} classes"
        raise ModelError(f"{path}: holds a reference_cnn of 2 classes, the network is {found}")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        pairs = [(f"model.{name}", layer) for name, layer in _REFERENCE_LAYERS.items()]
        kinds = ("weight", "bias")
        state = {f"{new}.{kind}": weights[f"{old}.{kind}"] for old, new in pairs for kind in kinds}
        network.backbone.get_submodule("backbone").load_state_dict(state)
    except Exception as error:  # torch.load raises whatever the damaged bytes lead to
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not weights of reference_cnn ({reason}); give another file") from error


class _ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut, without normalisation."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        out: Tensor = self.second(functional.relu(self.first(x))) + self.shortcut(x)
        return functional.relu(out)


@register_model
def resnet15(
    image: tuple[int, int, int], classes: int, *, widths: tuple[int, ...] = (16, 32, 64), blocks: int = 2
) -> nn.Module:
    """Build a residual CNN without normalisation layers, with a global max-pool; 174k parameters."""
    channels, height, width = image
    pools = max(0, round(math.log2(max(height, width) / 32)))
    layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 3, 1, 1), nn.ReLU()]
    layers += [nn.MaxPool2d(2, ceil_mode=True) for _ in range(pools)]
    inputs = widths[0]
    for stage, outputs in enumerate(widths):
        for block in range(blocks):
            layers.append(_ResidualBlock(inputs, outputs, 2 if stage and not block else 1))
            inputs = outputs
    layers += [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)]
    return nn.Sequential(*layers)
