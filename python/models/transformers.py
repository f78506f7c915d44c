"""Vision transformers of vit-pytorch, fitted to small images of any size, channel count and class count."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from .network import OneLogit, Pad
from .registry import add_model, register_model
from .torch_imports import vit_module

Shape = tuple[int, int, int]


def auto_patch(image: Shape, patch: int) -> int:
    """Return `patch`, or where it is 0 the size that makes about 8 x 8 patches."""
    return patch or max(1, math.ceil(max(image[1:]) / 8))


def _halvings(image: Shape, least: int) -> int:
    """Return how often the longer side is halved until about 8 cells are left."""
    return max(least, round(math.log2(max(image[1:]) / 8)))


class PatchViT(NamedTuple):
    """A transformer of vit-pytorch whose options are those of all that cut the image into patches."""

    module: str
    name: str
    defaults: dict[str, Any]
    """Options beyond `PATCH_OPTIONS`, or with other defaults."""
    square: bool = False
    """Whether it needs square images; others are padded."""


PATCH_OPTIONS = {"patch": 0, "dim": 64, "depth": 4, "heads": 4, "dim_head": 16, "mlp_dim": 128}
"""Options that all of them have, with their defaults; patch 0 means about 8 x 8 patches."""

PATCH_VITS = {
    # Dosovitskiy et al. 2020, arXiv:2010.11929
    "vit": PatchViT("vit", "ViT", {"pool": "mean", "dropout": 0.1}),
    # re-attention, arXiv:2103.11886
    "deep_vit": PatchViT("deepvit", "DeepViT", {"depth": 6, "pool": "mean", "dropout": 0.1}, square=True),
    # shifted patches and local self-attention, arXiv:2112.13492
    "vit_for_small_dataset": PatchViT("vit_for_small_dataset", "ViT", {"pool": "mean", "dropout": 0.1}),
    # two-dimensional rotary embeddings, arXiv:2104.09864
    "rotary_vit": PatchViT("rvt", "RvT", {"dropout": 0.1}, square=True),
}


def build_patch_vit(row: PatchViT, image: Shape, classes: int, *, patch: int, **options: Any) -> nn.Module:
    """Build a row of `PATCH_VITS` for images (C, H, W), padded where a patch does not divide them."""
    patch = auto_patch(image, patch)
    pad = Pad(*image[1:], patch, square=row.square)
    if "dropout" in options:
        options["emb_dropout"] = options["dropout"]
    network = getattr(vit_module(row.module), row.name)(
        image_size=pad.height if row.square else (pad.height, pad.width), patch_size=patch,
        num_classes=classes, channels=image[0], **options,
    )  # fmt: skip
    return nn.Sequential(pad, network)


for _name, _row in PATCH_VITS.items():
    add_model(_name, partial(build_patch_vit, _row), {**PATCH_OPTIONS, **_row.defaults})


@register_model
def reference_vit(image: Shape, classes: int, *, dropout: float = 0.0) -> nn.Module:
    """Build the published ViT of 32 x 32 x 2 crops; with its one output it has 1,455,873 parameters."""
    pad = Pad(*image[1:], 8)
    network = vit_module("vit").ViT(
        image_size=(pad.height, pad.width), patch_size=8, num_classes=1 if classes == 2 else classes, dim=64,
        depth=8, heads=10, dim_head=64, mlp_dim=128, channels=image[0], dropout=dropout, emb_dropout=dropout,
    )  # fmt: skip
    both = nn.Sequential(pad, network)
    return OneLogit(both) if classes == 2 else both


@register_model
def simple_vit(
    image: Shape,
    classes: int,
    *,
    patch: int = 0,
    dim: int = 64,
    depth: int = 4,
    heads: int = 4,
    dim_head: int = 16,
    mlp_dim: int = 128,
    registers: int = 0,
) -> nn.Module:
    """Build a ViT with fixed positions (arXiv:2205.01580), optionally with registers (arXiv:2309.16588)."""
    patch = auto_patch(image, patch)
    pad = Pad(*image[1:], patch)
    module = vit_module("simple_vit_with_register_tokens" if registers else "simple_vit")
    extra = {"num_register_tokens": registers} if registers else {}
    network = module.SimpleViT(
        image_size=(pad.height, pad.width), patch_size=patch, num_classes=classes, dim=dim, depth=depth,
        heads=heads, dim_head=dim_head, mlp_dim=mlp_dim, channels=image[0], **extra,
    )  # fmt: skip
    return nn.Sequential(pad, network)


@register_model
def scalable_vit(
    image: Shape,
    classes: int,
    *,
    dim: int = 32,
    depth: tuple[int, ...] = (2, 2),
    heads: tuple[int, ...] = (2, 4),
    reduction: tuple[int, ...] = (2, 1),
    window: int = 0,
    dim_key: int = 16,
    mlp_factor: int = 2,
    dropout: float = 0.1,
) -> nn.Module:
    """Build a ScalableViT (arXiv:2203.10790); window 0 means the whole map, or 8 where it is large."""
    window = window or (8 if max(image[1:]) > 64 else 0)
    pad = Pad(*image[1:], 4 * 2 ** (len(depth) - 1) * max(window, 1))
    network = vit_module("scalable_vit").ScalableViT(
        num_classes=classes, dim=dim, depth=depth, heads=heads, reduction_factor=reduction,
        window_size=window or None, iwsa_dim_key=dim_key, iwsa_dim_value=dim_key, ssa_dim_key=dim_key,
        ssa_dim_value=dim_key,
        ff_expansion_factor=mlp_factor, channels=image[0], dropout=dropout,
    )  # fmt: skip
    return nn.Sequential(pad, network)


@register_model
def cct(
    image: Shape,
    classes: int,
    *,
    convolutions: int = 0,
    dim: int = 64,
    depth: int = 4,
    heads: int = 4,
    mlp_factor: float = 2.0,
    dropout: float = 0.1,
    stochastic_depth: float = 0.1,
) -> nn.Module:
    """Build a CCT (arXiv:2104.05704); as many convolutions as leave about 8 x 8 tokens where they are 0."""
    network: nn.Module = vit_module("cct").CCT(
        img_size=image[1:], embedding_dim=dim, n_input_channels=image[0], num_classes=classes,
        n_conv_layers=convolutions or _halvings(image, 1), kernel_size=3, stride=1, padding=1,
        num_layers=depth, num_heads=heads, mlp_ratio=mlp_factor, positional_embedding="learnable",
        dropout_rate=dropout, attention_dropout=dropout, stochastic_depth_rate=stochastic_depth,
    )  # fmt: skip
    return network
