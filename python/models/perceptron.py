"""A perceptron on an image's moments: what hand-made quantities alone can tell."""

from __future__ import annotations

from torch import Tensor, nn

from .moments import Moments
from .registry import register_model


class MomentsPerceptron(nn.Module):
    """Moments of the image -> layers -> logits; the normalised image is not looked at.

    Attributes:
        takes: see `Network`.
    """

    takes = "both"

    def __init__(
        self, image: tuple[int, int, int], classes: int, dim: int, depth: int, dropout: float
    ) -> None:
        super().__init__()
        self.moments = Moments(image)
        layers: list[nn.Module] = []
        width = self.moments.count
        for _ in range(depth):
            layers += [nn.Linear(width, dim), nn.GELU(), nn.Dropout(dropout)]
            width = dim
        self.head = nn.Sequential(*layers, nn.Linear(width, classes))

    def forward(self, image: Tensor, raw: Tensor) -> Tensor:  # noqa: ARG002  what takes "both" gets both
        """Turn raw images (N, C, H, W) into logits (N, K)."""
        logits: Tensor = self.head(self.moments(raw))
        return logits


@register_model
def moments_mlp(
    image: tuple[int, int, int], classes: int, *, dim: int = 64, depth: int = 2, dropout: float = 0.1
) -> nn.Module:
    """Build a perceptron on moments, to measure how much of a network's answer they explain."""
    return MomentsPerceptron(image, classes, dim, depth, dropout)
