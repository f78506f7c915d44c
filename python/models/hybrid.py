"""A convolutional stem that makes few, rich tokens, and a small transformer over them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ._vit_pytorch import vit_module
from .registry import register_model

# side of the token grid that the stem aims at: 8 x 8 tokens from 32 x 32 as from 125 x 125 images
_TOKEN_SIDE = 8


class HybridViT(nn.Module):
    """Convolutions -> tokens with learned positions -> transformer -> mean over tokens -> logits."""

    def __init__(self, stem: nn.Module, tokens: int, transformer: nn.Module, dim: int, classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.position = nn.Parameter(torch.randn(1, tokens, dim) * 0.02)
        self.transformer = transformer
        self.head = nn.Linear(dim, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Turn images (N, C, H, W) into logits (N, K)."""
        tokens = self.stem(image).flatten(2).transpose(1, 2) + self.position  # (N, T, D)
        logits: Tensor = self.head(self.transformer(tokens).mean(dim=1))
        return logits


def stem_strides(height: int, width: int, stages: int) -> list[int]:
    """Return the stride of each convolution so that about 8 x 8 tokens are left; more stages where needed.

    >>> stem_strides(32, 32, 3), stem_strides(125, 125, 3), stem_strides(8, 8, 3)
    ([1, 2, 2], [2, 2, 2, 2], [1, 1, 1])
    """
    halvings = max(0, round(math.log2(max(height, width) / _TOKEN_SIDE)))
    return [1] * (stages - halvings) + [2] * halvings


def conv_stem(channels: int, widths: tuple[int, ...], strides: list[int]) -> nn.Sequential:
    """Stack 3 x 3 convolutions with GELU between them; the last width is repeated where strides are more."""
    widths = widths + (widths[-1],) * (len(strides) - len(widths))
    layers: list[nn.Module] = []
    for width, stride in zip(widths, strides, strict=True):
        layers += [nn.Conv2d(channels, width, 3, stride, 1), nn.GELU()]
        channels = width
    return nn.Sequential(*layers[:-1])


@register_model
def hybrid_vit(
    image: tuple[int, int, int],
    classes: int,
    *,
    stem: tuple[int, ...] = (16, 32),
    dim: int = 48,
    depth: int = 2,
    heads: int = 4,
    mlp_dim: int = 96,
    dropout: float = 0.1,
) -> nn.Module:
    """Build a convolutional stem and a transformer: about 60k parameters and 11 MFLOP for 32 x 32 images."""
    channels, height, width = image
    if dim % heads:
        raise ValueError(f"dim {dim} must be a multiple of heads {heads}")
    strides = stem_strides(height, width, len(stem) + 1)
    convolutions = conv_stem(channels, (*stem, dim), strides)
    rows, columns = height, width
    for stride in strides:
        rows, columns = -(-rows // stride), -(-columns // stride)
    transformer = vit_module("vit").Transformer(dim, depth, heads, dim // heads, mlp_dim, dropout)
    return HybridViT(convolutions, rows * columns, transformer, dim, classes)
