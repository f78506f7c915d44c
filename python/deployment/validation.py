"""validation.json: how far every exported file is from the trained network, as typed objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..artefacts import Artefact


@dataclass(frozen=True)
class WorstEvent:
    """An event that a backend scores differently."""

    event: int
    """Number in the split."""
    label: int
    expected: tuple[float, ...]
    found: tuple[float, ...]
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """The trained network."""

    backend: str
    auc: float
    latency_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    """Batch size -> median and p95."""


@dataclass(frozen=True)
class Agreement:
    """How far a backend's scores of a split are from the network's."""

    auc: float
    auc_difference: float
    auc_difference_error: float
    max_abs_difference: float
    """Of a score; infinite where one is not finite."""


@dataclass(frozen=True)
class BackendResult(Agreement):
    """One backend: agreement, verdict and cost."""

    extreme_images: dict[str, float]
    """Kind of image -> largest difference."""
    batch_sizes: dict[str, float]
    """Batch size -> largest difference."""
    passed: bool
    worst_events: tuple[WorstEvent, ...] = ()
    """Where it did not pass."""
    latency_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    speedup: dict[str, float] = field(default_factory=dict)
    """Batch size -> how many times faster than the network in PyTorch."""
    peak_memory_mb: float | None = None
    """Of a program's process."""
    generate_seconds: float | None = None
    compile_seconds: float | None = None
    """Of code that was written from the export."""

    @property
    def largest_extreme(self) -> float:
        """The largest difference over extreme images and batch sizes."""
        return max(*self.extreme_images.values(), *self.batch_sizes.values())


@dataclass(frozen=True)
class Validation(Artefact):
    """The content of validation.json."""

    REMEDY = "write it again with scripts/validate.py --run {run}"

    passed: bool
    events: int
    split: str
    store: str
    reference: Reference
    backends: dict[str, BackendResult] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    """Backend -> why it could not run here."""
    tolerances: dict[str, Any] = field(default_factory=dict)
