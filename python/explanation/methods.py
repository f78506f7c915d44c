"""Relevance of every cell of an image for one class, by methods that ask the network in different ways.

All take raw images (N, C, H, W) and a class for each, and return maps (N, H, W): the larger a value, the more
the cell speaks for the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..errors import ModelError, RecipeError
from ..models import Ensemble, Network
from ..models.sparse import SparseViT

Method = Callable[[Network, Tensor, Tensor], Tensor]
STEPS = 32  # of the path integral
CHUNK = 512  # images per call of the network
ATTENTION = "attend"  # what modules are called that give softmax over the tokens


def margin(network: Network, images: Tensor, classes: Tensor) -> Tensor:
    """Return the log of the odds of a class for each image (N,): log p - log(1 - p)."""
    logits = network.logits(images)
    own = logits.gather(1, classes[:, None])
    others = logits.masked_fill(torch.nn.functional.one_hot(classes, logits.shape[1]).bool(), -torch.inf)
    odds: Tensor = own.squeeze(1) - others.logsumexp(dim=1)
    return odds


def occlusion(network: Network, images: Tensor, classes: Tensor) -> Tensor:
    """Return by how much the odds fall when a cell is set to 0 in all channels; 0 for empty cells."""
    maps = torch.zeros(len(images), *images.shape[2:])
    hit = (images != 0).any(dim=1)
    event, row, column = hit.nonzero(as_tuple=True)
    with torch.inference_mode():
        full = margin(network, images, classes)
        for part in torch.split(torch.arange(len(event)), CHUNK):
            one, i, j = event[part], row[part], column[part]
            without = images[one]
            without[torch.arange(len(one)), :, i, j] = 0
            maps[one, i, j] = full[one] - margin(network, without, classes[one])
    return maps


def integrated_gradients(network: Network, images: Tensor, classes: Tensor) -> Tensor:
    """Return the gradient's integral along the way from an empty image to the image, summed over channels.

    Sundararajan, Taly and Yan, arXiv:1703.01365, as captum has it. Over all cells it sums up to the change of
    the odds, as far as the STEPS of the integral go.

    Raises:
        RecipeError: captum is not installed.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise RecipeError(
            "method integrated_gradients needs captum; pip install 'particlevit[explain]'"
        ) from error
    method = IntegratedGradients(lambda some, chosen: margin(network, some, chosen))
    found = [
        method.attribute(some, additional_forward_args=(chosen,), n_steps=STEPS, internal_batch_size=CHUNK)
        for some, chosen in zip(torch.split(images, 64), torch.split(classes, 64), strict=True)
    ]
    return torch.cat(found).sum(dim=1).detach()


def rollout(network: Network, images: Tensor, classes: Tensor) -> Tensor:  # noqa: ARG001
    """Return how much of each cell reaches the pooled token; the same for all classes, never below 0.

    Attention rollout, Abnar and Zuidema, arXiv:2005.00928: the product over layers of the mean attention of
    the heads, half of it with the identity for the shortcut. The mean over the tokens is taken as pooled.

    Raises:
        ModelError: the network has no attention whose tokens have places in the image.
    """
    attentions: list[Tensor] = []
    with torch.inference_mode(), _watched(network, attentions):
        network.logits(images)
        if not attentions:
            raise ModelError(
                f"method rollout: {network.name} has no attention; use occlusion or integrated_gradients"
            )
        flow = rolled(attentions)
        return _placed(network, images, flow.mean(dim=1))


def rolled(attentions: list[Tensor]) -> Tensor:
    """Return the product of attentions (N, heads, T, T) of all layers with their shortcuts, (N, T, T)."""
    flow = None
    for attention in attentions:
        mean = attention.mean(dim=1)
        layer = 0.5 * (mean + torch.eye(mean.shape[-1]))
        flow = layer if flow is None else layer @ flow
    assert flow is not None
    return flow


@contextmanager
def _watched(network: nn.Module, attentions: list[Tensor]) -> Iterator[None]:
    """Note what the modules named ATTENTION give, (N, heads, T, T)."""

    def note(_: nn.Module, __: tuple[Tensor, ...], found: Tensor) -> None:
        attentions.append(found)

    hooks = [
        module.register_forward_hook(note)
        for name, module in network.named_modules()
        if name.rpartition(".")[2] == ATTENTION
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _placed(network: Network, images: Tensor, weights: Tensor) -> Tensor:
    """Return the weights of tokens (N, T) as maps (N, H, W)."""
    height, width = images.shape[2:]
    backbone = network.backbone
    if isinstance(backbone, SparseViT):  # tokens are cells
        stepped = network.preprocess.suppress(network.steps(images))
        cells = backbone.select(stepped)
        maps = torch.zeros(len(images), stepped.shape[2] * stepped.shape[3])
        maps.scatter_(1, cells.cell, weights * cells.hit)
        maps = maps.reshape(len(images), 1, *stepped.shape[2:])
    else:
        side = int(weights.shape[1] ** 0.5)
        extra = weights.shape[1] - side * side  # tokens of the class or of moments come first
        if extra > 1:
            raise ModelError(
                f"method rollout: the {weights.shape[1]} tokens of {network.name} are no square of patches; "
                "use occlusion or integrated_gradients"
            )
        maps = weights[:, extra:].reshape(len(images), 1, side, side)
    scaled = torch.nn.functional.interpolate(maps, (height, width), mode="nearest")
    return scaled.squeeze(1)


METHODS: dict[str, Method] = {
    "occlusion": occlusion,
    "integrated_gradients": integrated_gradients,
    "rollout": rollout,
}


def methods_of(network: nn.Module) -> tuple[str, ...]:
    """Return the methods that a network has: rollout needs attention."""
    attentive = any(name.rpartition(".")[2] == ATTENTION for name, _ in network.named_modules())
    return tuple(name for name in METHODS if attentive or name != "rollout")


def explainable(network: nn.Module) -> Network:
    """Return the network of one run.

    Raises:
        ModelError: it is an ensemble.
    """
    if isinstance(network, Ensemble):
        raise ModelError(
            f"an ensemble has no maps of its own; explain its runs one by one ({', '.join(METHODS)})"
        )
    assert isinstance(network, Network)
    return network
