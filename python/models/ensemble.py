"""Several networks as one: the mean of their probabilities or of their logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import ModelError, suggest
from .network import Network, flops_per_event

MEANS = ("probabilities", "logits")


class Ensemble(nn.Module):
    """Networks on the same images and classes; used, evaluated and exported like one `Network`.

    Args:
        members: the networks.
        mean: what is averaged, `probabilities` or `logits`.

    Raises:
        ModelError: no member, members of other images or classes, or an unknown mean.
    """

    def __init__(self, members: Sequence[Network], mean: str = "probabilities") -> None:
        super().__init__()
        if not members:
            raise ModelError("an ensemble needs at least 1 member, found none; name the runs")
        if mean not in MEANS:
            raise ModelError(f"ensemble mean '{mean}'; {suggest(mean, MEANS)}")
        for number, member in enumerate(members):
            _check_member(members[0], member, number)
        self.members = nn.ModuleList(members)
        self.mean = mean
        self.name = "ensemble"
        self.image = members[0].image
        self.classes = members[0].classes
        self.options = {"members": [member.name for member in members], "mean": mean}

    def logits(self, image: Tensor) -> Tensor:
        """Return numbers (N, K) whose softmax is the probabilities, of raw images (N, C, H, W)."""
        if self.mean == "logits":
            return self.each_logits(image).mean(dim=0)
        return self.forward(image).log()

    def forward(self, image: Tensor) -> Tensor:
        """Return the probabilities (N, K) of raw images (N, C, H, W) in physical units."""
        if self.mean == "logits":
            return self.logits(image).softmax(dim=-1)
        return self.each(image).mean(dim=0)

    def each_logits(self, image: Tensor) -> Tensor:
        """Return the logits of every member (M, N, K)."""
        return torch.stack([member.logits(image) for member in self._networks()])

    def each(self, image: Tensor) -> Tensor:
        """Return the probabilities of every member (M, N, K)."""
        return torch.stack([member(image) for member in self._networks()])

    def _networks(self) -> list[Network]:
        return [member for member in self.members if isinstance(member, Network)]

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers of all members."""
        return sum(member.parameter_count for member in self._networks())

    def flops_per_event(self) -> int:
        """Return the floating-point operations of one image in all members."""
        return flops_per_event(self, self.image.shape)


class WithStd(nn.Module):
    """An ensemble with two outputs: its probabilities, and the standard deviation of those of its members.

    Args:
        network: an ensemble of two members or more.

    Raises:
        ModelError: it is anything else.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        if not isinstance(network, Ensemble) or len(network.members) < 2:
            raise ModelError(
                "std is that of the members of an ensemble, and this is none, or calibrated; make one of "
                "several runs with scripts/ensemble.py"
            )
        self.ensemble = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return both (N, K) of raw images (N, C, H, W); the variance is divided by members - 1."""
        logits = self.ensemble.each_logits(image)
        each = logits.softmax(dim=-1)
        centre = each.mean(dim=0)
        std = ((each - centre).square().sum(dim=0) / (len(self.ensemble.members) - 1)).sqrt()
        return centre if self.ensemble.mean == "probabilities" else logits.mean(dim=0).softmax(dim=-1), std


class SideBySide(nn.Module):
    """The two outputs of `WithStd` as one (N, 2 K)."""

    def __init__(self, network: WithStd) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Return probabilities and, right of them, standard deviations."""
        return torch.cat(self.network(image), dim=1)


def _check_member(first: Network, other: Network, number: int) -> None:
    for what, one, two in (
        *((name, *pair) for name, pair in first.image.differences(other.image).items()),
        ("classes", first.classes, other.classes),
    ):
        if one != two:
            raise ModelError(
                f"ensemble: member 1 has {what} {one}, member {number + 1} has {two}; "
                "combine runs on the same images and classes"
            )
