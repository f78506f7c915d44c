"""The highest cells of an image, and what a transformer is told of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .moments import Moments

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


def _mean(rows: list[Tensor]) -> Tensor:
    if not rows:
        raise ModelError("cells need at least 1 training image, found none; check the split")
    return torch.cat(rows).mean(dim=0)
