"""The highest cells of an image, and what a transformer is told of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ModelError
from .preprocess import root

FLOOR = 1e-3  # of the mean total of a channel: where logarithms of a cell's amount bend to a constant
LOWEST = 5e-3  # fraction of the training's hits that count as none, so that noise below them does not either
NEAR = (1, 2, 4)  # rows and columns within which the signal around a cell is summed up
CENTRES = 4
_CLIP = 5.0  # standard deviations; cells that are unlike those of the training stay bounded
_TINY = 1e-9
_STILL = 1e-5  # standard deviation of a feature that nothing but rounding moves
_TINIEST = 1e-30  # below the 8th power of the largest of 1,000 shares
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
        parts = scaled.chunk(scaled.shape[1], dim=1)  # one operator in ONNX
        total = parts[0]
        for part in parts[1:]:  # sums in a fixed order
            total = total + part
        return total.squeeze(1)

    def forward(self, image: Tensor) -> Cells:
        """Select the cells."""
        height, index = self.highest(self.heights(image))  # (N, K)
        hit = (height > self.get_buffer("lowest")).float()
        flat = image.flatten(2)
        values = flat.gather(2, index.unsqueeze(1).expand(-1, flat.shape[1], -1)) * hit.unsqueeze(1)
        height = height * hit
        share = height / height.sum(dim=1, keepdim=True).clamp(min=_TINY)
        return Cells(values, index, share, hit)

    def highest(self, heights: Tensor) -> tuple[Tensor, Tensor]:
        """Return heights and indices (N, K) of the highest cells, of equal ones the first, in any order.

        That is what TopK of ONNX does, while `torch.topk` takes any of equal cells. What it tells all the
        same is the height of the last one, and ranks of which no two are equal do the rest.
        """
        if torch.onnx.is_in_onnx_export():
            found = heights.topk(self.count, dim=1)
            return found.values, found.indices
        highest = heights.topk(self.count, dim=1).values
        least = highest[:, -1:]
        order = self.get_buffer("order")
        ranks = (heights > least) * (order + self.cells) + (heights == least) * order
        index = ranks.topk(self.count, dim=1).indices
        return heights.gather(1, index) + highest[:, :1] * 0, index  # NaN, the first of all, is not hidden

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
        """Return the largest height that no more than a fraction LOWEST of the hits do not exceed, or 0."""
        heights = self.heights(image)
        hits = heights[heights > 0]
        if not len(hits):
            return heights.new_zeros(())
        kept = hits.kthvalue(int(LOWEST * len(hits)) + 1).values
        return (hits * (hits < kept)).max()  # of equal hits, such as counts of 1, all stay


class Standardise(nn.Module):
    """Features (..., F) -> the same with mean 0 and standard deviation 1 over the training, bounded.

    Args:
        count: F.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("std", torch.ones(count))

    def forward(self, features: Tensor) -> Tensor:
        """Standardise."""
        return ((features - self.get_buffer("mean")) * self.get_buffer("std").reciprocal()).clamp(
            -_CLIP, _CLIP
        )

    @torch.no_grad()
    def fit(self, rows: Iterable[Tensor]) -> None:
        """Set mean and standard deviation from features (n, F); what never changes is left as it is."""
        every = torch.cat([one.double() for one in rows])
        if not len(every):
            return
        std = every.std(dim=0, correction=0)
        self.get_buffer("mean").copy_(every.mean(dim=0))
        self.get_buffer("std").copy_(torch.where(std > _STILL, std, torch.ones_like(std)))


class CellFeatures(nn.Module):
    """Cells -> standardised features (N, K, F).

    By channel the logarithm, the share and its root of the amount, the value of a time, and the logarithm of
    the total of all cells; logarithm of the share of all signal within 1, 2 and 4 rows and columns. Row and
    column, from the image's edge and from four centres, and the distances from these. The centres are means
    of the cells' places weighted by powers 1, 2, 4, 8 of their shares: from the centroid to nearly the
    highest cell, without the jumps that a single cell makes.

    Written for few operators: at one image per call each costs more than what it computes.

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
        # seen from the middle, where most of the signal is, so that float32 keeps its digits
        middle = torch.tensor([height // 2, width // 2])
        self.register_buffer("repeated", (places - middle).repeat(1, CENTRES), persistent=False)
        pairs = torch.eye(CENTRES).repeat_interleave(2, dim=0)
        self.register_buffer("pairs", pairs, persistent=False)  # adds row and column of each centre
        self.register_buffer("scale", torch.ones(channels, 1))  # of amounts; 0 for times
        self.count = 5 * channels + 2 + 3 * CENTRES + len(NEAR)
        self.scaler = Standardise(self.count)

    def physical(self, cells: Cells, near: Tensor) -> Tensor:
        """Return the features before the standardisation; `near` as in `forward`."""
        place = F.embedding(cells.cell, self.get_buffer("places"))  # (N, K, 2)
        repeated = F.embedding(cells.cell, self.get_buffer("repeated"))
        centres = _weights(cells.share) @ repeated[:, :, :2]  # (N, centres, 2)
        offset = repeated - centres.reshape(-1, 1, 2 * CENTRES)  # (N, K, 2 x centres)
        distance = root((offset * offset) @ self.get_buffer("pairs"))
        content = self._content(cells, near).transpose(1, 2)
        return torch.cat([content, place, offset, distance], dim=2)

    def _content(self, cells: Cells, near: Tensor) -> Tensor:
        """Return what each cell, all of them and those around it hold (N, 5 C + NEAR, K)."""
        scale, share = self.get_buffer("scale"), cells.share.unsqueeze(1)
        amounts = (cells.values * scale).clamp(min=0)
        totals = amounts.sum(dim=2, keepdim=True)
        shares = amounts / totals.clamp(min=_TINY)
        around = (near @ share.unsqueeze(3)).squeeze(3)  # (N, NEAR, K)
        logs = torch.cat([amounts, totals * cells.hit.unsqueeze(1), around], dim=1) + FLOOR
        return torch.cat([logs.log(), shares, root(shares), cells.values * (scale == 0)], dim=1)

    def forward(self, cells: Cells, near: Tensor) -> Tensor:
        """Return the standardised features, 0 in empty places.

        Args:
            cells: N x K cells.
            near: 1 where two cells lie within NEAR rows and columns of each other, else 0 (N, NEAR, K, K).
        """
        features: Tensor = self.scaler(self.physical(cells, near))
        return features * cells.hit.unsqueeze(2)

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Cells, Tensor]], scale: Tensor) -> None:
        """Fit the standardisation over the cells that were hit; `scale` is that of the selection."""
        self.get_buffer("scale").copy_(scale.unsqueeze(1))
        self.scaler.fit([self.physical(cells, near)[cells.hit > 0] for cells, near in batches])


def _weights(share: Tensor) -> Tensor:
    """Return powers 1, 2, 4, 8 of shares (N, K), each power over its sum, (N, CENTRES, K)."""
    one = share.unsqueeze(1)
    low = torch.cat([one, one * one], dim=1)
    square = low * low
    powers = torch.cat([low, square * square], dim=1)
    return powers / powers.sum(dim=2, keepdim=True).clamp(min=_TINIEST)


def _mean(rows: list[Tensor]) -> Tensor:
    if not rows:
        raise ModelError("cells need at least 1 training image, found none; check the split")
    return torch.cat(rows).mean(dim=0)
