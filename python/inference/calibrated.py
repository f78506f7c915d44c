"""Temperature scaling: one number that makes probabilities mean what they say, part of network and exports.

C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv:1706.04599.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ..errors import RunError

if TYPE_CHECKING:
    from ..models import Ensemble, Network

CALIBRATION = "calibration.json"


class Calibrated(nn.Module):
    """A network whose logits are divided by a temperature; otherwise like the network itself."""

    def __init__(self, network: Network | Ensemble, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature
        self.name, self.image, self.classes = network.name, network.image, list(network.classes)

    def logits(self, image: Tensor) -> Tensor:
        """Return the scaled logits (N, K) of raw images (N, C, H, W)."""
        return self.network.logits(image) / self.temperature

    def forward(self, image: Tensor) -> Tensor:
        """Return the probabilities (N, K) of raw images (N, C, H, W) in physical units."""
        return self.logits(image).softmax(dim=-1)

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers of the network."""
        return self.network.parameter_count

    def flops_per_event(self) -> int:
        """Return the floating-point operations of one image."""
        return self.network.flops_per_event()


def read_temperature(run: Path) -> float | None:
    """Return the temperature of RUN/calibration.json, None where the run is not calibrated.

    Raises:
        RunError: the file is damaged.
    """
    path = run / CALIBRATION
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        temperature = float(content["temperature"])
        if not temperature > 0:
            raise ValueError(f"temperature {temperature} must be above 0")
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise RunError(
            f"{path}: not a calibration ({reason}); remove it, or write it again with scripts/evaluate.py "
            f"--run {run} --calibrate true"
        ) from error
    return temperature
