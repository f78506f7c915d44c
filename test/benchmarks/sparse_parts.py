r"""`sparse_vit` without one of its parts, for the study of what each is worth.

    PYTHONPATH=test/benchmarks scripts/compare.py --model.module sparse_parts \
        --models sparse_vit sparse_without_near ...
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from RecoE2E.ParticleViT.models.cells import CENTRES, NEAR
from RecoE2E.ParticleViT.models.registry import register_model
from RecoE2E.ParticleViT.models.sparse import SparseViT, sparse_vit


class Without(nn.Module):
    """Columns of rows (N, F) -> 0, in front of a layer."""

    def __init__(self, count: int, columns: list[int], layer: nn.Module) -> None:
        super().__init__()
        kept = torch.ones(count)
        kept[columns] = 0
        self.register_buffer("kept", kept, persistent=False)
        self.layer = layer

    def forward(self, rows: Tensor) -> Tensor:
        return self.layer(rows * self.kept)


def _cells(columns: Callable[[int], list[int]]) -> Callable[[SparseViT, int], None]:
    """Return what hides columns of the cells' features, see `CellFeatures`, by the number of channels."""

    def change(network: SparseViT, channels: int) -> None:
        network.embed = Without(network.features.count, columns(channels), network.embed)

    return change


def _pooled(first: bool) -> Callable[[SparseViT, int], None]:
    """Return what hides the mean weighted by attention (the first), or by energy."""

    def change(network: SparseViT, channels: int) -> None:
        dim = network.norm.normalized_shape[0]
        columns = list(range(dim)) if first else list(range(dim, 2 * dim))
        network.head = Without(2 * dim, columns, network.head)

    return change


def _no_position(network: SparseViT, channels: int) -> None:
    network.position.table.requires_grad_(False).zero_()


PARTS: dict[str, Callable[[SparseViT, int], None]] = {
    "position": _no_position,  # the learned bias of the attention
    "near": _cells(lambda channels: list(range(2 * channels, 2 * channels + len(NEAR)))),
    "totals": _cells(lambda channels: list(range(channels, 2 * channels))),
    "centres": _cells(
        lambda channels: list(range(5 * channels + len(NEAR) + 2, 5 * channels + len(NEAR) + 2 + 3 * CENTRES))
    ),
    "attention_pool": _pooled(first=True),
    "energy_pool": _pooled(first=False),
}


def _register(part: str, change: Callable[[SparseViT, int], None]) -> None:
    def build(image: tuple[int, int, int], classes: int, *, cells: int = 48) -> nn.Module:
        network = sparse_vit(image, classes, cells=cells)
        change(network, image[0])
        return network

    build.__name__ = f"sparse_without_{part}"
    register_model(build)


for _part, _change in PARTS.items():
    _register(_part, _change)
