"""A convolutional stem that makes few, rich tokens, a token of moments, and a small transformer over them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .moments import Moments
from .registry import register_model
from .torch_imports import vit_module

# side of the token grid that the stem aims at: 8 x 8 tokens from 32 x 32 as from 125 x 125 images
_TOKEN_SIDE = 8


class HybridViT(nn.Module):
    """Convolutions -> tokens with learned positions -> transformer -> mean over tokens -> logits.

    With `moments`, a two-layer perceptron makes one more token of the raw image's moments.
    """

    def __init__(
        self,
        stem: nn.Module,
        tokens: int,
        blocks: nn.Module,
        moments: Moments | None,
        dim: int,
        classes: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.position = nn.Parameter(torch.randn(1, tokens, dim) * 0.02)
        self.takes = "normalised" if moments is None else "both"
        if moments is not None:
            self.moments = nn.Sequential(moments, nn.Linear(moments.count, 64), nn.GELU(), nn.Linear(64, dim))
        self.blocks = blocks
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, classes))

    def forward(self, image: Tensor, raw: Tensor | None = None) -> Tensor:
        """Turn normalised images, and raw ones where there are moments, (N, C, H, W) into logits (N, K)."""
        tokens = self.stem(image).flatten(2).transpose(1, 2) + self.position  # (N, T, D)
        if raw is not None:
            token = self.moments(raw).unsqueeze(1)  # (N, 1, D)
            tokens = torch.cat([token.to(tokens.dtype), tokens], dim=1)
        pooled = self.norm(self.blocks(tokens)).mean(dim=1)  # (N, D)
        logits: Tensor = self.head(pooled)
        return logits


class Residual(nn.Module):
    """x + branch(x); in training some events skip the branch (stochastic depth, arXiv:1603.09382)."""

    def __init__(self, branch: nn.Module, drop: float) -> None:
        super().__init__()
        self.branch, self.drop = branch, drop

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, T, D) to (N, T, D)."""
        y: Tensor = self.branch(x)
        if self.training and self.drop > 0:
            kept = torch.rand(len(x), 1, 1, device=x.device) >= self.drop
            y = y * kept / (1 - self.drop)
        return x + y


def transformer_blocks(
    dim: int, depth: int, heads: int, mlp_dim: int, dropout: float, drop_path: float
) -> nn.Sequential:
    """Stack attention and feed-forward blocks of vit-pytorch.

    Attention maps are not dropped out: on CPU that alone would take half of the time of a training step.
    """
    vit = vit_module("vit")
    blocks: list[nn.Module] = []
    for _ in range(depth):
        blocks.append(Residual(vit.Attention(dim, heads, dim // heads), drop_path))
        blocks.append(Residual(vit.FeedForward(dim, mlp_dim, dropout), drop_path))
    return nn.Sequential(*blocks)


def stem_strides(height: int, width: int, stages: int) -> list[int]:
    """Return the stride of each convolution so that about 8 x 8 tokens are left; more stages where needed.

    >>> stem_strides(32, 32, 3), stem_strides(125, 125, 3), stem_strides(8, 8, 3)
    ([1, 2, 2], [2, 2, 2, 2], [1, 1, 1])
    """
    halvings = max(0, round(math.log2(max(height, width) / _TOKEN_SIDE)))
    return [1] * (stages - halvings) + [2] * halvings


def conv_stem(
    channels: int, widths: tuple[int, ...], strides: list[int], pool: bool = False
) -> nn.Sequential:
    """Stack 3 x 3 convolutions; the last width is repeated where strides are more.

    Where `pool` is set, a stride of 2 is a max-pool after the convolution. Batch normalisation becomes part
    of the convolution when the network is exported.
    """
    widths = widths + (widths[-1],) * (len(strides) - len(widths))
    layers: list[nn.Module] = []
    for width, stride in zip(widths, strides, strict=True):
        step = 1 if pool else stride
        layers += [nn.Conv2d(channels, width, 3, step, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        if pool and stride == 2:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        channels = width
    return nn.Sequential(*layers)


@register_model
def hybrid_vit(
    image: tuple[int, int, int],
    classes: int,
    *,
    stem: tuple[int, ...] = (16, 16, 32),
    pool: bool = True,
    moments: bool = True,
    dim: int = 48,
    depth: int = 1,
    heads: int = 2,
    mlp_dim: int = 80,
    dropout: float = 0.1,
    drop_path: float = 0.05,
) -> nn.Module:
    """Build a convolutional stem and a transformer: 36k parameters and 11 MFLOP for 32 x 32 x 2 images."""
    channels, height, width = image
    if dim % heads:
        raise ValueError(f"dim {dim} must be a multiple of heads {heads}")
    strides = stem_strides(height, width, len(stem))
    convolutions = conv_stem(channels, stem, strides, pool)
    if stem[-1] != dim:
        convolutions.append(nn.Conv2d(stem[-1], dim, 1))
    rows, columns = height, width
    for stride in strides:
        rows, columns = -(-rows // stride), -(-columns // stride)
    blocks = transformer_blocks(dim, depth, heads, mlp_dim, dropout, drop_path)
    token = Moments(image) if moments else None
    return HybridViT(convolutions, rows * columns, blocks, token, dim, classes, dropout)
