"""AdamW, or Muon for the matrices of transformer blocks, and the schedule of the learning rate."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from ..recipe import Training
from .muon import PortableMuon

_BLOCK = re.compile(r"\.(?:blocks|layers)\.(\d+)\.")
_HEAD = re.compile(r"\.(?:head|mlp_head|linear_head|to_logits)\.")


class Joined(Optimizer):
    """Optimisers of different parameters as one: one schedule, one checkpoint.

    Their parameter groups and states are also its own.
    """

    def __init__(self, parts: list[Optimizer]) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        """Give each part its groups and the state, which knows its parameters."""
        first = 0
        for part in self.parts:
            last = first + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[first:last], self.state
            first = last

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Compute the gradients with the closure, and make one step with each."""
        loss = None if closure is None else closure()
        for part in self.parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        super().load_state_dict(state_dict)
        self._share()


def make_optimizer(network: nn.Module, settings: Training, fused: bool) -> Optimizer:
    """Return the recipe's optimiser; biases, norms, positions and tokens are not decayed.

    With Muon (https://kellerjordan.github.io/posts/muon), the matrices of transformer blocks, which are most
    of their weights, take steps whose singular values are nearly equal, as long as those of AdamW would be
    (arXiv:2502.16982), at the same learning rate and decay; everything else is left to AdamW, so a network
    without blocks is trained with AdamW alone.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    decayed = {id(layer.weight) for layer in layers}
    matrices = {id(one) for one in muon_matrices(network)} if settings.optimizer == "muon" else set()
    groups: list[dict[str, Any]] = []
    inner: list[dict[str, Any]] = []
    for depth, trained in by_depth(network, settings.layer_decay < 1).items():
        rate = settings.learning_rate * settings.layer_decay**depth
        for of_decay, decay in ((True, settings.weight_decay), (False, 0.0)):
            params = [p for p in trained if (id(p) in decayed) == of_decay and id(p) not in matrices]
            groups.append({"params": params, "lr": rate, "weight_decay": decay})
        if some := [p for p in trained if id(p) in matrices]:
            inner.append({"params": some, "lr": rate, "weight_decay": settings.weight_decay})
    rest = AdamW(groups, lr=settings.learning_rate, fused=fused)
    return Joined([rest, PortableMuon(inner)]) if inner else rest


def muon_matrices(network: nn.Module) -> list[nn.Parameter]:
    """Return the matrices of transformer blocks, which are left to Muon where the recipe has it."""
    linear = [name for name, one in network.named_modules() if isinstance(one, nn.Linear)]
    return [network.get_parameter(f"{name}.weight") for name in linear if _BLOCK.search(f"{name}.")]


def by_depth(network: nn.Module, split: bool) -> dict[int, list[nn.Parameter]]:
    """Return the trained parameters by their number of layers from the output: 0 the head; unsplit: all 0."""
    found: dict[int, list[nn.Parameter]] = {0: []}
    names = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    numbers = {name: int(block[1]) + 1 for name in names if (block := _BLOCK.search(name))}
    deepest = max(numbers.values(), default=0) + 1
    for name in names if split else []:
        depth = 0 if is_head(name) else deepest - numbers.get(name, 0)
        found.setdefault(depth, []).append(network.get_parameter(name))
    if not split:
        found[0] = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return dict(sorted(found.items()))


def is_head(name: str) -> bool:
    """Tell whether a parameter of this name turns the representation into logits."""
    return _HEAD.search(name) is not None


def freeze(network: nn.Module, frozen: bool) -> None:
    """Let all parameters but those of the head be trained, or not."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(is_head(name) or not frozen)


def schedule_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """Return the factor on the learning rate: a linear rise, then half a cosine to 0 at the last step.

    >>> [round(schedule_factor(step, 10, 0.2), 2) for step in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    warmup = max(1, round(steps * warmup_fraction))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))
