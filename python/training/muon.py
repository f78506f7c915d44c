"""Muon in float32 on CPUs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Muon


class PortableMuon(Muon):
    """torch.optim.Muon, with steps as long as those of AdamW, computed in float32 on a CPU.

    torch's own always multiplies in bfloat16, which is up to 30 times slower on CPUs without
    instructions for it: a step of `reference_vit` then takes twice as long. Elsewhere this one does so, too.
    """

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        super().__init__(groups, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Compute the gradients with the closure, and make one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, matrix.grad, group)
        return loss

    def _move(self, matrix: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        mean = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(mean, group["momentum"]) if group["nesterov"] else mean
        direction = orthogonal(ahead, group)
        length = 0.2 * math.sqrt(max(matrix.shape))  # that of AdamW, arXiv:2502.16982, equation 4
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        matrix.add_(direction, alpha=-group["lr"] * length)


def orthogonal(matrix: Tensor, group: dict[str, Any]) -> Tensor:
    """Return a matrix with the same singular vectors whose singular values are all near 1.

    Newton and Schulz's iteration as in https://kellerjordan.github.io/posts/muon, with the coefficients,
    steps and eps of the group.
    """
    a, b, c = group["ns_coefficients"]
    found = matrix.float() if matrix.device.type == "cpu" else matrix.bfloat16()
    found = found.T if matrix.shape[0] > matrix.shape[1] else found
    found = found / found.norm().clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = found @ found.T
        found = torch.addmm(found, torch.addmm(gram, gram, gram, beta=b, alpha=c), found, beta=a)
    return (found.T if matrix.shape[0] > matrix.shape[1] else found).to(matrix.dtype)
