"""Cells hidden from a `sparse_vit`, and what it tells of them: learning without labels.

A fraction of an image's hits is taken away. From the pooled representation of the others, a small decoder
says of the hidden places, and of empty ones near them, which of them were hit, and the share of all signal
there; and a linear layer tells the moments of the whole image (as MaskFeat, arXiv:2112.09133, tells gradients
in place of pixels). So the whole encoder is trained, up to what the head of a classifier gets.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from .cells import Cells
from .moments import Moments
from .network import Network
from .sparse import SparseViT, group_by_hits

NEARBY = 4
"""Rows and columns by which a decoy is away from a hidden cell, at most."""
LEAST_SHARE = 1e-4  # of the signal, where the logarithm of a share ends
FAR = 5.0  # standard deviations, where moments end
_TINY = 1e-12  # variance, of moments that never change


class Hidden(NamedTuple):
    """A masked batch: what the network sees, and what it is asked; 2 K places, first hits, then decoys."""

    seen: Cells
    places: Tensor
    """Index of each asked place in the image (N, 2 K)."""
    was_hit: Tensor
    """1 for hidden cells, 0 for decoys (N, 2 K)."""
    log_share: Tensor
    """Logarithm of the share of each (N, 2 K); of decoys that of LEAST_SHARE."""
    asked: Tensor
    """1 where the question counts, 0 where a place is no question (N, 2 K)."""


class MaskedCells(nn.Module):
    """Asks a network about cells that are hidden from it.

    Args:
        network: a `sparse_vit`; its encoder is trained, not its head.
        fraction: largest fraction of the hits that is hidden, in (0, 1); each image draws its own.

    Raises:
        ModelError: the network is of another model.
    """

    def __init__(self, network: Network, fraction: float) -> None:
        super().__init__()
        encoder = encoder_of(network)
        self.fraction, (self.height, self.width) = fraction, network.seen.shape[1:]
        dim = encoder.embed.out_features
        self.from_pooled = nn.Linear(2 * dim, 2 * dim)
        self.row, self.column = nn.Embedding(self.height, 2 * dim), nn.Embedding(self.width, 2 * dim)
        self.answer = nn.Sequential(nn.GELU(), nn.Linear(2 * dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, 2))
        self.moments = Moments(network.seen.shape)
        self.standardise = nn.BatchNorm1d(self.moments.count, eps=_TINY, affine=False)
        self.to_moments = nn.Linear(2 * dim, self.moments.count)

    def hide(self, cells: Cells, random: torch.Generator | None = None) -> Hidden:
        """Take hits away at random, at least one of each image that has two, and choose as many decoys."""
        shape = len(cells.hit), cells.hit.shape[1] + 1
        order = torch.rand(shape, generator=random, device=None if random else cells.hit.device)
        order, strength = order[:, 1:], order[:, :1].to(cells.hit.device)
        rank = (order.to(cells.hit.device) - cells.hit).argsort(dim=1).argsort(dim=1)  # hits first
        hits = cells.hit.sum(dim=1, keepdim=True)
        count = torch.minimum((strength * self.fraction * hits).round().clamp(min=1), hits - 1)
        hidden = (rank < count).float() * cells.hit
        decoys, is_empty = self._decoys(cells, random)
        kept = cells.hit - hidden
        share = cells.share * kept
        share = share / share.sum(dim=1, keepdim=True).clamp(min=LEAST_SHARE)
        seen = Cells(cells.values * kept.unsqueeze(1), cells.cell, share, kept)
        return Hidden(
            seen,
            torch.cat([cells.cell, decoys], dim=1),
            torch.cat([hidden, torch.zeros_like(hidden)], dim=1),
            torch.cat([cells.share, torch.zeros_like(share)], dim=1).clamp(min=LEAST_SHARE).log(),
            torch.cat([hidden, hidden * is_empty], dim=1),
        )

    def _decoys(self, cells: Cells, random: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Return a place near each cell (N, K), and 1 where that is empty and inside of the image."""
        device = cells.cell.device
        shape = (2, *cells.cell.shape)
        steps = torch.randint(-NEARBY, NEARBY + 1, shape, generator=random, device=None if random else device)
        rows = cells.cell // self.width + steps[0].to(device)
        columns = cells.cell % self.width + steps[1].to(device)
        inside = (rows >= 0) & (rows < self.height) & (columns >= 0) & (columns < self.width)
        places = rows.clamp(0, self.height - 1) * self.width + columns.clamp(0, self.width - 1)
        taken = torch.zeros(len(cells.cell), self.height * self.width, device=device)
        taken = taken.scatter_reduce(1, cells.cell, cells.hit, "amax")
        return places, inside.float() * (1 - taken.gather(1, places))

    def answers(self, pooled: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return, of places (N, P), the logit of a hit and the logarithm of the share, both (N, P)."""
        query = self.row(places // self.width) + self.column(places % self.width)
        found = self.answer(query + self.from_pooled(pooled).unsqueeze(1))
        return found[..., 0], found[..., 1]

    def forward(self, network: Network, image: Tensor, random: torch.Generator | None = None) -> MaskedResult:
        """Hide cells of raw images (N, C, H, W) and ask about them."""
        encoder = encoder_of(network)
        with torch.no_grad():
            image = network.steps(image)
            cells = encoder.select(network.preprocess.suppress(image))
            hidden = self.hide(cells, random)
            moments = self.standardise(self.moments.physical(network.amounts(image))).clamp(-FAR, FAR)
        pooled = pool(encoder, hidden.seen)
        logits, log_share = self.answers(pooled, hidden.places)
        each = functional.binary_cross_entropy_with_logits(logits, hidden.was_hit, reduction="none")
        wrong = functional.smooth_l1_loss(log_share, hidden.log_share, reduction="none") * hidden.was_hit
        loss = (each * hidden.asked).sum() / hidden.asked.sum().clamp(min=1)
        loss = loss + wrong.sum() / hidden.was_hit.sum().clamp(min=1)
        loss = loss + functional.mse_loss(self.to_moments(pooled), moments)
        return MaskedResult(loss, logits, hidden.was_hit, hidden.asked > 0)

    @torch.no_grad()
    def picture(
        self, network: Network, image: Tensor, random: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return shares of the signal of raw images: whole, without the hidden cells, expected; (N, H, W)."""
        encoder = encoder_of(network)
        cells = encoder.select(network.preprocess.suppress(network.steps(image)))
        hidden = self.hide(cells, random)
        every = torch.arange(self.height * self.width).expand(len(image), -1)
        logits, log_share = self.answers(encoder.pool_cells(hidden.seen), every)
        empty = torch.zeros(every.shape)
        whole = empty.scatter_add(1, cells.cell, cells.share)
        seen = empty.scatter_add(1, cells.cell, cells.share * hidden.seen.hit)
        expected = logits.sigmoid() * log_share.exp()
        shape = len(image), self.height, self.width
        return whole.reshape(shape), seen.reshape(shape), expected.reshape(shape)


class MaskedResult(NamedTuple):
    """What a network makes of a masked batch; P places were asked about in each image."""

    loss: Tensor
    """Scalar: cross entropy of the places, errors of the hidden shares' logarithms and of the moments."""
    logits: Tensor
    """The higher, the surer that a place was hit (N, P)."""
    was_hit: Tensor
    """1 where it was, else 0 (N, P)."""
    asked: Tensor
    """False where a place is no question (N, P)."""


def encoder_of(network: Network) -> SparseViT:
    """Return the backbone of a `sparse_vit`."""
    encoder = network.backbone
    if not isinstance(encoder, SparseViT):
        raise ModelError(f"model '{network.name}' has no cells to hide; give --model.name sparse_vit")
    return encoder


def pool(encoder: SparseViT, cells: Cells) -> Tensor:
    """Return the pooled representation (N, 2 D), without the cost of places that stay empty."""
    groups = group_by_hits(cells)
    pooled = torch.cat([encoder.pool_cells(some) for _, some in groups])
    return pooled[torch.cat([index for index, _ in groups]).argsort()]
