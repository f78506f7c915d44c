r"""`sparse_vit` without one of its parts or with other first weights, for the study of what each is worth.

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

Image = tuple[int, int, int]
Change = Callable[[SparseViT, Image], None]


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


def _cells(columns: Callable[[int], list[int]]) -> Change:
    """Return what hides columns of the cells' features, see `CellFeatures`, by the number of channels."""

    def change(network: SparseViT, image: Image) -> None:
        network.embed = Without(network.features.count, columns(image[0]), network.embed)

    return change


def _pooled(first: bool) -> Change:
    """Return what hides the mean weighted by attention (the first), or by energy."""

    def change(network: SparseViT, image: Image) -> None:
        dim = network.norm.normalized_shape[0]
        columns = list(range(dim)) if first else list(range(dim, 2 * dim))
        network.head = Without(2 * dim, columns, network.head)

    return change


def _no_position(network: SparseViT, image: Image) -> None:
    network.position.table.requires_grad_(False).zero_()


PARTS: dict[str, Change] = {
    "position": _no_position,  # the learned bias of the attention
    "near": _cells(lambda channels: list(range(2 * channels, 2 * channels + len(NEAR)))),
    "totals": _cells(lambda channels: list(range(channels, 2 * channels))),
    "centres": _cells(
        lambda channels: list(range(5 * channels + len(NEAR) + 2, 5 * channels + len(NEAR) + 2 + 3 * CENTRES))
    ),
    "attention_pool": _pooled(first=True),
    "energy_pool": _pooled(first=False),
}


def _factors(target: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return the two matrices (D, rank), (rank, D) whose product is nearest to a square one (D, D)."""
    left, size, right = torch.linalg.svd(target)
    root = size[:rank].sqrt()
    return left[:, :rank] * root, root.unsqueeze(1) * right[:rank]


@torch.no_grad()
def _mimetic(network: SparseViT, image: Image) -> None:
    """Start attention as trained transformers look (mimetic initialisation, arXiv:2305.09828, section 4).

    Keys and queries: 0.7 of noise + 0.7 of the identity; values and what follows: 0.4 of noise - 0.4 of it.
    """
    for block in network.blocks:
        attention = block.attention
        dim, heads = attention.to_out.in_features, attention.heads
        identity = torch.eye(dim)
        noise = torch.randn(heads + 1, dim, dim) / dim**0.5
        pairs = [_factors(0.7 * (one + identity), dim // heads) for one in noise[:heads]]
        out, values = _factors(0.4 * (noise[heads] - identity), dim)
        queries = torch.cat([query.t() for query, _ in pairs])
        keys = torch.cat([key for _, key in pairs])
        attention.to_qkv.weight.copy_(torch.cat([queries, keys, values]))
        attention.to_out.weight.copy_(out)


@torch.no_grad()
def _local(network: SparseViT, image: Image) -> None:
    """Start attention near each cell: it falls with distance, by a slope per head (arXiv:2108.12409)."""
    rows, columns = (torch.arange(1 - side, side) for side in image[1:])
    distance = torch.hypot(rows.unsqueeze(1).float(), columns.float()).flatten()
    entries = network.position.entries[: len(distance)]
    table = network.position.table
    count = torch.bincount(entries, minlength=table.shape[1])
    mean = torch.bincount(entries, distance, minlength=table.shape[1]) / count
    slopes = 2.0 ** -torch.arange(1, len(table) + 1)
    table.sub_(slopes.unsqueeze(1) * mean)


BEGUN: dict[str, Change] = {"mimetic": _mimetic, "local": _local}


def _register(name: str, change: Change) -> None:
    def build(image: tuple[int, int, int], classes: int, *, cells: int = 48) -> nn.Module:
        network = sparse_vit(image, classes, cells=cells)
        change(network, image)
        return network

    build.__name__ = name
    register_model(build)


for _part, _change in PARTS.items():
    _register(f"sparse_without_{_part}", _change)
for _begun, _change in BEGUN.items():
    _register(f"sparse_{_begun}", _change)
