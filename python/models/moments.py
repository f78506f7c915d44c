"""Moments of an image: how much signal there is, how wide, how round, how concentrated.

Sums of z x^i y^j over cells, with z a cell's share of the signal and x, y its place, determine the jet mass
and every other energy correlation with quadratic angles (energy flow moments, arXiv:1911.04491); sums of
z^k r^b are the generalised angularities (arXiv:1408.3122); of crystals, the same sums are shower widths. A
network that sees normalised images has to learn them from many events; computing them costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ..errors import ModelError

DEGREE = 4  # of the polynomials in x and y
RADIAL = (2.0, 0.5, 1.0, 3.0)  # powers b of the distance r with k = 1; with k = 2 without the last
_CLIP = 5.0  # standard deviations; images that are unlike those of the training stay bounded
_TINY = 1e-6  # in place of 0 in quotients and logarithms


class Moments(nn.Module):
    """Raw images (N, C, H, W) -> standardised moments (N, M); noise of both signs averages out of them.

    Per channel: logarithms of the sum, the variance of the place, the largest share and the sum of squared
    shares (for pT, sum x root of the variance is the jet mass, up to a factor); then the moments of RADIAL
    and DEGREE, and those of RADIAL with squared shares. Coordinates go from -1 to 1 over the image.

    Args:
        image: channels, height and width.

    Attributes:
        count: M.
    """

    def __init__(self, image: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = image
        y, x = _centres(height), _centres(width)
        r = torch.hypot(x[None], y[:, None])
        side = DEGREE + 1
        order = [i * side + n - i for n in range(1, side) for i in range(n + 1)]  # x^i y^(n - i)
        self._set("powers_y", torch.stack([y**i for i in range(side)], dim=1))  # (H, side)
        self._set("powers_x", torch.stack([x**i for i in range(side)], dim=1))  # (W, side)
        self._set("radial", torch.stack([r**b for b in RADIAL], dim=-1).flatten(0, 1))  # (H x W, radial)
        self._set("order", torch.tensor(order))
        self.inside = (1 / height**2 + 1 / width**2) / 3  # variance inside of one cell, filled evenly
        self.count = channels * (4 + len(RADIAL) + len(order) + len(RADIAL) - 1)
        self.register_buffer("mean", torch.zeros(self.count))
        self.register_buffer("std", torch.ones(self.count))

    def _set(self, name: str, table: Tensor) -> None:
        """Keep a table that follows from the image's shape, so is no part of a checkpoint."""
        self.register_buffer(name, table, persistent=False)

    def physical(self, image: Tensor) -> Tensor:
        """Return the moments before the standardisation, (N, C, H, W) -> (N, M)."""
        by_row = (image @ self.get_buffer("powers_x")).transpose(2, 3)  # (N, C, side, H)
        sums = (by_row @ self.get_buffer("powers_y")).flatten(2)  # (N, C, side x side)
        return self.from_sums(sums, image.flatten(2), self.get_buffer("radial"))

    def from_sums(self, sums: Tensor, cells: Tensor, powers: Tensor) -> Tensor:
        """Return the moments before the standardisation (N, M).

        Args:
            sums: of cells x^i y^j over the image, (N, C, side x side).
            cells: content of P cells that hold everything, (N, C, P).
            powers: of the cells' distances from the centre, ([N,] P, radial).
        """
        total = sums[..., :1]
        positive = total.clamp(min=_TINY)
        polynomials = sums.index_select(-1, self.get_buffer("order")) / positive
        shares = cells / positive
        radial = shares @ powers
        squares = shares * shares
        squared = squares @ powers
        mean = polynomials[..., :2]  # of y and x
        variance = radial[..., :1] - (mean * mean).sum(dim=-1, keepdim=True) + self.inside
        largest, together = shares.amax(dim=-1, keepdim=True), squares.sum(dim=-1, keepdim=True)
        logs = torch.cat([total, variance, largest, together], dim=-1).clamp(min=_TINY).log()
        # the order is that of the trained models, whose mean and std have it
        return torch.cat([logs, radial, polynomials, squared[..., 1:3], squared[..., :1]], dim=-1).flatten(1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the standardised moments, in float32 also under autocast."""
        kind = self.get_buffer("mean").device.type
        if torch.is_autocast_enabled(kind):
            with torch.autocast(kind, enabled=False):
                return self.forward(image)
        moments = (self.physical(image) - self.get_buffer("mean")) / self.get_buffer("std")
        return moments.clamp(-_CLIP, _CLIP)

    @torch.no_grad()
    def fit(self, images: Iterable[Tensor]) -> None:
        """Set mean and standard deviation over batches of raw images (N, C, H, W).

        Raises:
            ModelError: there are no images.
        """
        moments = [self.physical(batch).double() for batch in images]
        if not moments:
            raise ModelError("moments need at least 1 training image, found none; check the split")
        values = torch.cat(moments)
        std = values.std(dim=0, correction=0)
        self.get_buffer("mean").copy_(values.mean(dim=0))
        self.get_buffer("std").copy_(torch.where(std > _TINY, std, torch.ones_like(std)))


def _centres(cells: int) -> Tensor:
    """Return the centres of cells that divide -1..1."""
    return (torch.arange(cells) + 0.5) / cells * 2 - 1
