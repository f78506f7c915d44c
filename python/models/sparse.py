"""A transformer whose tokens are the cells that were hit.

Detector images are nearly empty, so the K highest cells hold what there is to see, whatever the size of the
image. Attention knows how far cells are apart through a learned table of relative positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .moments import Moments
from .registry import register_model

FAR = 50.0  # what the logits of empty places lack; with much more exp underflows, which is slow
FLOOR = 1e-3  # of the mean total of a channel: where logarithms of a cell's amount bend to a constant
LOWEST = 5e-3  # fraction of the training's hits that count as none, so that noise below them does not either
_CLIP = 5.0  # standard deviations; cells that are unlike those of the training stay bounded
_TINY = 1e-9


Batches = Callable[[], Iterable[Tensor]]


class Cells(NamedTuple):
    """The K highest cells of images: as many places are filled as cells were hit."""

    values: Tensor
    """Content in all channels (N, C, K); 0 in empty places."""
    cell: Tensor
    """Index of the cell in the image, row by row (N, K)."""
    share: Tensor
    """Share of each cell in the signal of all of them (N, K)."""
    hit: Tensor
    """1 where a place is filled, else 0 (N, K)."""


class HighestCells(nn.Module):
    """Raw images (N, C, H, W) -> their K highest cells.

    The height of a cell is the sum over the amounts (energies, momenta, counts; no times) of the cell's
    content divided by about the mean total of its channel. The divisors are powers of 2, so that the sum is
    the same to the last bit everywhere; of equal cells the first in reading order is taken. So every runtime
    selects the same cells.

    Args:
        image: channels, height and width.
        count: K; where the image has fewer cells, all are taken.
    """

    def __init__(self, image: tuple[int, int, int], count: int) -> None:
        super().__init__()
        channels, height, width = image
        self.cells = height * width
        self.count = min(count, self.cells)
        order = self.cells - torch.arange(self.cells)
        self.register_buffer("order", order.float(), persistent=False)
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("lowest", torch.zeros(()))

    def heights(self, image: Tensor) -> Tensor:
        """Return the height of every cell, (N, C, H, W) -> (N, H x W)."""
        scaled = image.flatten(2) * self.get_buffer("scale").unsqueeze(-1)
        total = scaled[:, 0]
        for channel in range(1, scaled.shape[1]):
            total = total + scaled[:, channel]
        return total

    def forward(self, image: Tensor) -> Cells:
        """Select the cells."""
        heights = self.heights(image)
        index = self.highest(heights)  # (N, K)
        height = heights.gather(1, index)
        hit = (height > self.get_buffer("lowest")).float()
        flat = image.flatten(2)
        values = flat.gather(2, index.unsqueeze(1).expand(-1, flat.shape[1], -1)) * hit.unsqueeze(1)
        height = height * hit
        share = height / height.sum(dim=1, keepdim=True).clamp(min=_TINY)
        return Cells(values, index, share, hit)

    def amounts(self, cells: Cells) -> Cells:
        """Return cells without the times, which are no amounts."""
        return cells._replace(values=cells.values * (self.get_buffer("scale") > 0).unsqueeze(-1))

    def highest(self, heights: Tensor) -> Tensor:
        """Return the indices (N, K) of the highest cells, of equal ones the first; their order is undefined.

        That is what TopK of ONNX does, while `torch.topk` takes any of equal cells. What it tells all the
        same is the height of the last one, and ranks of which no two are equal do the rest.
        """
        if torch.onnx.is_in_onnx_export():
            return heights.topk(self.count, dim=1).indices
        least = heights.topk(self.count, dim=1).values[:, -1:]
        order = self.get_buffer("order")
        ranks = (heights > least) * (order + self.cells) + (heights == least) * order
        return ranks.topk(self.count, dim=1).indices

    @torch.no_grad()
    def fit(self, batches: Batches, is_amount: Tensor) -> None:
        """Set the divisors and the lowest height of a hit, see `SparseViT.fit`."""
        totals = _mean([image.double().sum(dim=(2, 3)) for image in batches()])
        known = (totals > 0) & is_amount
        powers = torch.where(known, totals, torch.ones_like(totals)).log2().round()
        self.get_buffer("scale").copy_(torch.where(known, torch.exp2(-powers), torch.zeros_like(totals)))
        lowest = [self._lowest(image) for image in batches()]
        self.get_buffer("lowest").copy_(torch.stack(lowest).median())

    def _lowest(self, image: Tensor) -> Tensor:
        """Return the height that all but a fraction LOWEST of the hits exceed; 0 where there are none."""
        heights = self.heights(image)
        hits = heights[heights > 0]
        rank = int(LOWEST * len(hits))
        return hits.kthvalue(rank).values if rank else heights.new_zeros(())


class CellFeatures(nn.Module):
    """Cells -> standardised features (N, K, F), 0 in empty places.

    Of each channel: logarithm, share and root of the share of the amount, the value of a time, logarithm of
    the total of all cells. Of the place: row and column, from the image's edge and from the centroid of the
    cells, and the distance from the centroid.

    Args:
        image: channels, height and width.

    Attributes:
        count: F.
    """

    def __init__(self, image: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = image
        places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).float()
        self.register_buffer("places", places, persistent=False)  # row and column of each cell (H x W, 2)
        self.count = 5 * channels + 5
        self.register_buffer("scale", torch.ones(channels, 1))  # of amounts; 0 for times
        self.register_buffer("mean", torch.zeros(self.count))
        self.register_buffer("std", torch.ones(self.count))

    def physical(self, cells: Cells) -> Tensor:
        """Return the features before the standardisation, (N, F, K)."""
        scale = self.get_buffer("scale")
        times = cells.values * (scale == 0)
        amounts = (cells.values * scale).clamp(min=0)
        totals = amounts.sum(dim=2, keepdim=True)
        shares = amounts / totals.clamp(min=_TINY)
        place = self.get_buffer("places")[cells.cell].transpose(1, 2)  # (N, 2, K)
        offset = place - place @ cells.share.unsqueeze(2)
        distance = (offset * offset).sum(dim=1, keepdim=True).sqrt()
        logs, log_totals = (amounts + FLOOR).log(), (totals + FLOOR).log().expand_as(amounts)
        return torch.cat([logs, shares, shares.sqrt(), times, log_totals, place, offset, distance], 1)

    def forward(self, cells: Cells) -> Tensor:
        """Return the standardised features."""
        features = self.physical(cells).transpose(1, 2)
        features = (features - self.get_buffer("mean")) / self.get_buffer("std")
        return features.clamp(-_CLIP, _CLIP) * cells.hit.unsqueeze(-1)

    @torch.no_grad()
    def fit(self, batches: Iterable[Cells], scale: Tensor) -> None:
        """Set mean and standard deviation over the cells that were hit; `scale` is that of the selection."""
        self.get_buffer("scale").copy_(scale.unsqueeze(1))
        found = [self.physical(cells).transpose(1, 2)[cells.hit > 0].double() for cells in batches]
        count = max(1, sum(len(one) for one in found))
        mean = sum((one.sum(dim=0) for one in found), torch.zeros(self.count, dtype=torch.float64)) / count
        squares = sum(((one - mean).square().sum(dim=0) for one in found), torch.zeros_like(mean)) / count
        self.get_buffer("mean").copy_(mean)
        self.get_buffer("std").copy_(torch.where(squares > _TINY, squares.sqrt(), torch.ones_like(squares)))


class CellMoments(Moments):
    """Cells -> standardised moments (N, M), those of an image that has nothing beside these cells."""

    def physical(self, cells: Cells) -> Tensor:  # type: ignore[override]
        """Return the moments before the standardisation."""
        powers_y, powers_x = self.get_buffer("powers_y"), self.get_buffer("powers_x")
        rows, columns = cells.cell // len(powers_x), cells.cell % len(powers_x)  # (N, K)
        powers = powers_x[columns].unsqueeze(3) * powers_y[rows].unsqueeze(2)  # (N, K, of x, of y)
        radial = self.get_buffer("radial")[cells.cell]  # (N, K, radial)
        return self.from_sums(cells.values @ powers.flatten(2), cells.values, radial)


class RelativePosition(nn.Module):
    """Places of cells -> what is added to the logits of attention (heads, N, K, K), from a learned table.

    Offsets of up to half of `reach` cells have entries of their own, larger ones share them in ranges that
    grow, so that the table does not grow with the image.
    """

    def __init__(self, height: int, width: int, heads: int, reach: int) -> None:
        super().__init__()
        rows, columns = offset_entries(height, reach), offset_entries(width, reach)
        entries = rows.unsqueeze(1) * (int(columns.max()) + 1) + columns
        codes = torch.arange(height).unsqueeze(1) * len(columns) + torch.arange(width)
        self.zero = int(codes.max())
        # the entry of every offset, row by row; the difference of two cells' codes says which offset
        self.register_buffer("entries", entries.flatten(), persistent=False)
        self.register_buffer("codes", codes.flatten(), persistent=False)
        self.table = nn.Parameter(torch.randn(heads, int(entries.max()) + 1) * 0.02)

    def forward(self, index: Tensor) -> Tensor:
        """Look up cells by their index in the image (N, K)."""
        codes = self.get_buffer("codes")[index]
        offset = (codes + self.zero).unsqueeze(2) - codes.unsqueeze(1)  # (N, K, K)
        table = self.table.index_select(1, self.get_buffer("entries"))
        if self.training:  # the faster way back
            return table.index_select(1, offset.flatten()).reshape(-1, *offset.shape)
        return table.t().index_select(0, offset.flatten()).reshape(*offset.shape, -1).permute(3, 0, 1, 2)


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


class PairBias(nn.Module):
    """Shares of cells -> a linear function per head of what pairs of cells have, (heads, N, K, K).

    With the table of relative positions beside it, |difference of the logarithms of the shares| and the
    logarithm of the key's share give every linear function of ln kT and ln m2 of two cells that softmax sees.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, heads, 1, 1, 1))

    def forward(self, bias: Tensor, share: Tensor) -> Tensor:
        """Add the function of shares (N, K) to the bias (heads, N, K, K)."""
        logs = (share + FLOOR).log()
        key = logs.unsqueeze(1)
        bias = torch.addcmul(bias, self.weight[0], (logs.unsqueeze(2) - key).abs())
        return torch.addcmul(bias, self.weight[1], key)


class Attention(nn.Module):
    """Multi-head attention with a bias on its logits."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map tokens (N, K, D), with a bias (heads x N, K, K), to (N, K, D)."""
        parts = self.to_qkv(self.norm(x)).unflatten(2, (3, self.heads, -1))
        q, k, v = parts.permute(2, 3, 0, 1, 4).flatten(1, 2).unbind(0)  # (heads x N, K, D / heads)
        weights = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=self.scale).softmax(dim=-1)
        mixed = (weights @ v).unflatten(0, (self.heads, -1))  # (heads, N, K, D / heads)
        out: Tensor = self.to_out(mixed.permute(1, 2, 0, 3).flatten(2))
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
        """Map tokens (N, K, D) to (N, K, D)."""
        x = x + self._drop(self.attention(x, bias))
        return x + self._drop(self.mlp(x))

    def _drop(self, x: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.drop_path
        return x * kept / (1 - self.drop_path)


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


class SparseViT(nn.Module):
    """Highest cells -> tokens -> transformer -> means weighted by attention and by energy -> logits.

    Attributes:
        takes: see `Network`.
    """

    takes = "raw"

    def __init__(
        self, image: tuple[int, int, int], classes: int, cells: int, dim: int, heads: int, reach: int,
        pairs: bool, moments: bool, blocks: list[Block], dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.select = HighestCells(image, cells)
        self.features = CellFeatures(image)
        self.embed = nn.Linear(self.features.count, dim)
        self.position = RelativePosition(*image[1:], heads, reach)
        self.pairs = PairBias(heads) if pairs else None
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)
        self.score = nn.Linear(dim, 1)
        sums = CellMoments(image) if moments else None
        self.moments = (
            nn.Sequential(sums, nn.Linear(sums.count, 64), nn.GELU(), nn.Linear(64, dim)) if sums else None
        )
        self.head = nn.Sequential(
            nn.Linear((3 if moments else 2) * dim, dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(dim, classes),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Turn raw images (N, C, H, W) into logits (N, K)."""
        with torch.no_grad():
            cells = self.select(image)
        if not self.training:
            return self.score_cells(cells)
        groups = group_by_hits(cells)
        logits = torch.cat([self.score_cells(some) for _, some in groups])
        return logits[torch.cat([index for index, _ in groups]).argsort()]

    def score_cells(self, cells: Cells) -> Tensor:
        """Turn cells into logits (N, K)."""
        features = self.features(cells)
        empty = (cells.hit - 1) * FAR  # (N, K)
        bias = self.position(cells.cell) + empty.unsqueeze(1)  # (heads, N, K, K)
        if self.pairs is not None:
            bias = self.pairs(bias, cells.share)
        bias = bias.flatten(0, 1)
        tokens = self.embed(features)
        for block in self.blocks:
            tokens = block(tokens, bias)
        tokens = self.norm(tokens)
        attention = (self.score(tokens).squeeze(-1) + empty).softmax(dim=1)
        weights = torch.stack([attention, cells.share], dim=1)  # (N, 2, K)
        pooled = (weights @ tokens).flatten(1)
        if self.moments is not None:
            pooled = torch.cat([pooled, self.moments(self.select.amounts(cells))], dim=1)
        logits: Tensor = self.head(pooled)
        return logits

    def fit(self, batches: Batches, is_amount: Tensor) -> None:
        """Fit the selection of cells, then the standardisation of their features.

        Args:
            batches: returns raw images (N, C, H, W) in batches; called several times.
            is_amount: whether a channel holds amounts (energies, momenta, counts), (C,).

        Raises:
            ModelError: there are no images.
        """
        self.select.fit(batches, is_amount)
        self.features.fit((self.select(image) for image in batches()), self.select.get_buffer("scale"))
        if self.moments is not None:
            sums: Any = self.moments[0]
            sums.fit(self.select.amounts(self.select(image)) for image in batches())


def _mean(rows: list[Tensor]) -> Tensor:
    if not rows:
        raise ModelError("cells need at least 1 training image, found none; check the split")
    return torch.cat(rows).mean(dim=0)


@register_model
def sparse_vit(
    image: tuple[int, int, int],
    classes: int,
    *,
    cells: int = 56,
    dim: int = 48,
    depth: int = 2,
    heads: int = 4,
    mlp_dim: int = 96,
    reach: int = 32,
    pairs: bool = False,
    moments: bool = False,
    dropout: float = 0.1,
    drop_path: float = 0.0,
) -> nn.Module:
    """Build a transformer over the `cells` highest cells of an image; 5.4 MFLOP for any size of it."""
    if cells < 1:
        raise ValueError(f"cells {cells} must be 1 or more")
    if dim % heads:
        raise ValueError(f"dim {dim} must be a multiple of heads {heads}")
    if reach < 2:
        raise ValueError(f"reach {reach} must be 2 or more")
    blocks = [Block(dim, heads, mlp_dim, drop_path) for _ in range(depth)]
    return SparseViT(image, classes, cells, dim, heads, reach, pairs, moments, blocks, dropout)
