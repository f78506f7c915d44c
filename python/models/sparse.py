"""A transformer whose tokens are the cells that were hit.

Detector images are nearly empty, so the K highest cells hold what there is to see, whatever the size of the
image. Attention knows how far cells are apart through a learned table of relative positions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .cells import NEAR, Batches, CellFeatures, Cells, HighestCells
from .registry import register_model

FAR = 50.0  # what the logits of empty places lack; with much more exp underflows, which is slow

LARGE = 2**25  # logits of one head in a batch; beyond, a batch is evaluated in parts, as it is trained


class RelativePosition(nn.Module):
    """Places of cells -> what is added to the logits of attention, from a learned table, and who is near.

    Offsets of up to half of `reach` cells have entries of their own, larger ones share them in ranges that
    grow, so that the table does not grow with the image.
    """

    def __init__(self, height: int, width: int, heads: int, reach: int) -> None:
        super().__init__()
        rows, columns = offset_entries(height, reach), offset_entries(width, reach)
        entries = rows.unsqueeze(1) * (int(columns.max()) + 1) + columns
        codes = torch.arange(height).unsqueeze(1) * len(columns) + torch.arange(width)
        self.zero, self.heads, count = int(codes.max()), heads, int(entries.max()) + 1
        # the entry of every offset, row by row; the difference of two cells' codes says which offset, and
        # that of a cell and an empty place lies beyond all of them
        self.nowhere = -self.zero - 1
        beyond = torch.full((self.zero + 1,), count)
        self.register_buffer("entries", torch.cat([entries.flatten(), beyond]), persistent=False)
        self.register_buffer("codes", codes.reshape(-1, 1), persistent=False)
        self.table = nn.Parameter(torch.randn(heads, count) * 0.02)
        steps = [torch.arange(1 - side, side).abs() for side in (height, width)]
        apart = torch.maximum(steps[0].unsqueeze(1), steps[1]).flatten()
        apart = torch.cat([apart, beyond.fill_(height + width)])
        self.register_buffer("near", torch.stack([(apart <= far).float() for far in NEAR]), persistent=False)

    def forward(self, cells: Cells) -> tuple[Tensor, Tensor]:
        """Look up cells: what is added to the logits (N, heads, K, K), and `near` of `CellFeatures`."""
        codes = F.embedding(cells.cell, self.get_buffer("codes"))  # (N, K, 1)
        others = torch.where(cells.hit.unsqueeze(2) > 0, codes, self.nowhere)  # no place is near an empty one
        offset = (codes + self.zero) - others.transpose(1, 2)  # (N, K, K)
        near = self.get_buffer("near")
        empty = self.table.new_full((self.heads, 1), -FAR)
        table = torch.cat([self.table, empty], dim=1).index_select(1, self.get_buffer("entries"))
        if self.training:  # the faster way back
            found = [one.index_select(1, offset.flatten()) for one in (table, near)]
            bias, close = (one.reshape(-1, *offset.shape).transpose(0, 1) for one in found)
            return bias, close
        both = F.embedding(offset, torch.cat([table, near]).t()).permute(0, 3, 1, 2)
        return both[:, : self.heads], both[:, self.heads :]


def offset_entries(side: int, reach: int) -> Tensor:
    """Return the entry of each offset -(side - 1) ... side - 1, at most 2 x reach - 1 different ones.

    >>> offset_entries(3, 4).tolist()
    [0, 1, 2, 3, 4]
    >>> offset_entries(9, 4).tolist()
    [0, 0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 5, 5, 6, 6, 6, 6]
    """
    size = torch.arange(-(side - 1), side, dtype=torch.float64)
    if side > reach:
        exact = reach // 2
        growth = (size.abs().clamp(min=exact) / exact).log() / math.log(side / exact) * (reach - exact)
        size = size.sign() * torch.where(size.abs() < exact, size.abs(), (exact + growth).floor())
    entries: Tensor = torch.unique(size, return_inverse=True)[1]
    return entries


class Attention(nn.Module):
    """Multi-head attention with a bias on its logits.

    Tokens of all images stand below each other, (N x K, D): so linear layers are one operator in ONNX.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.norm = nn.LayerNorm(dim)
        self.attend = nn.Softmax(dim=-1)  # a module, so that what it gives can be watched
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map tokens (N x K, D), with a bias (N x heads, K, K), to (N x K, D)."""
        places, dim = bias.shape[2], x.shape[1]
        parts = self.to_qkv(self.norm(x)).reshape(-1, places, 3, self.heads, dim // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).flatten(1, 2).split(1)  # (1, N x heads, K, D / heads)
        weights = self.attend((q @ k.transpose(2, 3)) * self.scale + bias)
        mixed = (weights @ v).reshape(-1, self.heads, places, dim // self.heads)
        out: Tensor = self.to_out(mixed.transpose(1, 2).reshape(-1, dim))
        return out


class Block(nn.Module):
    """Attention and a perceptron, each beside a shortcut that some events take alone in training."""

    def __init__(self, dim: int, heads: int, mlp_dim: int, drop_path: float) -> None:
        super().__init__()
        self.attention = Attention(dim, heads)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, mlp_dim), nn.GELU(), nn.Linear(mlp_dim, dim)
        )
        self.drop_path = drop_path

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map tokens (N x K, D) to (N x K, D)."""
        x = x + self._drop(self.attention(x, bias), bias.shape[2])
        return x + self._drop(self.mlp(x), bias.shape[2])

    def _drop(self, x: Tensor, places: int) -> Tensor:
        if not self.training or self.drop_path == 0:
            return x
        kept = torch.rand(len(x) // places, 1, 1, device=x.device) >= self.drop_path
        return (x.reshape(-1, places, x.shape[1]) * kept / (1 - self.drop_path)).flatten(0, 1)


def group_by_hits(cells: Cells, size: int = 64) -> list[tuple[Tensor, Cells]]:
    """Split a batch into images of similar numbers of hits, without the places that none of them fills.

    Empty places change nothing but cost as much as others: without them a training step takes about half
    of the time.

    Returns:
        For each group the indices of its images in the batch, and their cells.
    """
    needed = (cells.hit * torch.arange(1, cells.hit.shape[1] + 1, device=cells.hit.device)).amax(dim=1)
    groups = []
    for index in torch.split(needed.argsort(), size):
        places = max(1, int(needed[index].max()))
        groups.append((index, Cells(*(part[index, ..., :places] for part in cells))))
    return groups


def is_large(cells: Cells) -> bool:
    """Tell whether a batch takes too much memory at once; not in exports, whose user chooses the batch."""
    # torch's stubs neither export nor type is_tracing, which its documentation names
    if torch.jit.is_tracing() or torch.compiler.is_compiling():  # type: ignore[attr-defined,no-untyped-call]
        return False
    images, places = cells.hit.shape
    return images * places**2 > LARGE


class SparseViT(nn.Module):
    """Highest cells -> tokens -> transformer -> means weighted by attention and by energy -> logits.

    Attributes:
        takes: see `Network`.
    """

    takes = "raw"

    def __init__(
        self, image: tuple[int, int, int], classes: int, cells: int, dim: int, heads: int, reach: int,
        blocks: list[Block], dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.select = HighestCells(image, cells)
        self.features = CellFeatures(image)
        self.embed = nn.Linear(self.features.count, dim)
        self.position = RelativePosition(*image[1:], heads, reach)
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)
        self.score = nn.Linear(dim, 1)
        self.head = nn.Sequential(
            nn.Linear(2 * dim, dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(dim, classes)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Turn raw images (N, C, H, W) into logits (N, K)."""
        with torch.set_grad_enabled(image.requires_grad):  # no parameter takes part
            cells = self.select(image)
        if not self.training and not is_large(cells):
            return self.score_cells(cells)
        groups = group_by_hits(cells)
        logits = torch.cat([self.score_cells(some) for _, some in groups])
        return logits[torch.cat([index for index, _ in groups]).argsort()]

    def score_cells(self, cells: Cells) -> Tensor:
        """Turn cells into logits (N, K)."""
        logits: Tensor = self.head(self.pool_cells(cells))
        return logits

    def pool_cells(self, cells: Cells) -> Tensor:
        """Turn cells into what the head gets, (N, 2 D)."""
        bias, near = self.position(cells)
        bias = bias.flatten(0, 1)  # (N x heads, K, K)
        of_cells = self.features(cells, near)
        places = of_cells.shape[1]
        tokens = self.embed(of_cells.flatten(0, 1))
        for block in self.blocks:
            tokens = block(tokens, bias)
        tokens = self.norm(tokens)
        score = torch.where(cells.hit > 0, self.score(tokens).reshape(-1, places), -FAR)
        weights = torch.stack([score.softmax(dim=1), cells.share], dim=1)  # (N, 2, K)
        pooled: Tensor = (weights @ tokens.reshape(-1, places, tokens.shape[1])).flatten(1)
        return pooled

    def fit(self, batches: Batches, is_amount: Tensor) -> None:
        """Fit the selection of cells, then the standardisation of their features.

        Args:
            batches: returns raw images (N, C, H, W) in batches; called several times.
            is_amount: whether a channel holds amounts (energies, momenta, counts), (C,).

        Raises:
            ModelError: there are no images.
        """
        self.select.fit(batches, is_amount)
        groups = (cells for image in batches() for _, cells in group_by_hits(self.select(image)))
        self.features.fit(
            ((cells, self.position(cells)[1]) for cells in groups), self.select.get_buffer("scale")
        )


@register_model
def sparse_vit(
    image: tuple[int, int, int],
    classes: int,
    *,
    cells: int = 48,
    dim: int = 48,
    depth: int = 2,
    heads: int = 4,
    mlp_dim: int = 96,
    reach: int = 32,
    dropout: float = 0.1,
    drop_path: float = 0.0,
) -> nn.Module:
    """Build a transformer over the `cells` highest cells of an image; 4.6 MFLOP for any size of it."""
    for name, value in (("cells", cells), ("dim", dim), ("heads", heads), ("mlp_dim", mlp_dim)):
        if value < 1:
            raise ValueError(f"{name} {value} must be 1 or more")
    if depth < 0:
        raise ValueError(f"depth {depth} must be 0 or more")
    if not 0 <= drop_path < 1:
        raise ValueError(f"drop_path {drop_path} must be 0 or more and below 1")
    if dim % heads:
        raise ValueError(f"dim {dim} must be a multiple of heads {heads}")
    if reach <= 2 * max(NEAR):
        raise ValueError(f"reach {reach} must be {2 * max(NEAR) + 1} or more")
    blocks = [Block(dim, heads, mlp_dim, drop_path) for _ in range(depth)]
    return SparseViT(image, classes, cells, dim, heads, reach, blocks, dropout)
