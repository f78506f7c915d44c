"""Models of vit-pytorch that were made for little data, or that mix convolutions with attention."""

from __future__ import annotations

from torch import nn

from .hybrid import conv_stem, stem_strides
from .network import Pad
from .registry import register_model
from .torch_imports import vit_module
from .transformers import Shape


@register_model
def cvt(
    image: Shape,
    classes: int,
    *,
    dims: tuple[int, ...] = (16, 32, 64),
    depth: tuple[int, ...] = (1, 1, 2),
    heads: tuple[int, ...] = (1, 1, 1),
    mlp_factor: int = 2,
    dropout: float = 0.1,
) -> nn.Module:
    """Build a CvT (arXiv:2103.15808) of three stages with convolutional projections."""
    if not len(dims) == len(depth) == len(heads) == 3:
        raise ValueError("dims, depth and heads need three numbers each")
    stages: dict[str, int] = {"s1_emb_stride": 4 if max(image[1:]) > 64 else 2, "s1_emb_kernel": 5}
    for number, values in enumerate(zip(dims, depth, heads, strict=True), 1):
        dim, blocks, count = values
        stages |= {f"s{number}_emb_dim": dim, f"s{number}_depth": blocks, f"s{number}_heads": count}
        stages[f"s{number}_mlp_mult"] = mlp_factor
    network: nn.Module = vit_module("cvt").CvT(
        num_classes=classes, channels=image[0], dropout=dropout, **stages
    )
    return network


@register_model
def levit(
    image: Shape,
    classes: int,
    *,
    dims: tuple[int, ...] = (48, 64, 96),
    depth: tuple[int, ...] = (1, 1, 1),
    heads: tuple[int, ...] = (2, 3, 4),
    dim_key: int = 16,
    mlp_factor: int = 2,
    dropout: float = 0.1,
) -> nn.Module:
    """Build a LeViT (arXiv:2104.01136) whose stem leaves about 8 x 8 cells; others than square are padded."""
    strides = stem_strides(image[1], image[2], 3)
    step = 2 ** sum(stride == 2 for stride in strides)
    pad = Pad(*image[1:], step, square=True)
    network = vit_module("levit").LeViT(
        image_size=pad.height // step * 16, num_classes=classes, dim=dims, depth=depth, heads=heads,
        mlp_mult=mlp_factor, stages=len(dims), dim_key=dim_key, dim_value=dim_key * 2, dropout=dropout,
    )  # fmt: skip
    network.conv_embedding = conv_stem(image[0], (16, 32, dims[0]), strides)
    return nn.Sequential(pad, network)


@register_model
def max_vit(
    image: Shape,
    classes: int,
    *,
    stem: int = 16,
    dim: int = 32,
    depth: tuple[int, ...] = (1, 1),
    dim_head: int = 16,
    window: int = 4,
    expansion: int = 2,
    dropout: float = 0.1,
) -> nn.Module:
    """Build a MaxViT (arXiv:2204.01697): convolutions, attention in windows and across them."""
    pad = Pad(*image[1:], 2 ** (len(depth) + 1) * window)
    network = vit_module("max_vit").MaxViT(
        num_classes=classes, dim=dim, depth=depth, dim_head=dim_head, dim_conv_stem=stem, window_size=window,
        mbconv_expansion_rate=expansion, dropout=dropout, channels=image[0],
    )  # fmt: skip
    return nn.Sequential(pad, network)
