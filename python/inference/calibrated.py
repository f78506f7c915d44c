"""Temperature scaling: one number that makes probabilities mean what they say, part of network and exports.

C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv:1706.04599.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ..artefacts import Artefact
from ..errors import RunError
from ..run_folder import RunFolder

if TYPE_CHECKING:
    from ..models import Ensemble, Network


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


@dataclass(frozen=True)
class Temperature(Artefact):
    """The content of calibration.json."""

    REMEDY = "remove it, or write it again with scripts/evaluate.py --run {run} --calibrate"

    temperature: float
    events: int = 0
    """Of the validation split, that it was fitted on."""
    expected_calibration_error: dict[str, float] = field(default_factory=dict)
    """`before` and `after`."""


def read_temperature(folder: RunFolder) -> float | None:
    """Return the temperature of a run, None where the run is not calibrated.

    Raises:
        RunError: the file is damaged.
    """
    path = folder.calibration_file
    if not path.is_file():
        return None
    temperature = Temperature.read(path, folder.path).temperature
    if not temperature > 0:
        raise RunError(f"{path}: temperature {temperature} must be above 0; remove the file")
    return temperature
