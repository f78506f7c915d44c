"""metrics.json: what a run reaches, as typed objects."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..artefacts import Artefact


@dataclass(frozen=True)
class ModelSize:
    """A network's size."""

    name: str
    """Name in the registry."""
    parameters: int
    """Trainable numbers."""
    flops_per_event: int
    """Floating-point operations of one image."""


@dataclass(frozen=True)
class TrainingTime:
    """How long a training took."""

    epochs: int
    seconds: float
    images_per_second: float
    """Median over the epochs."""


@dataclass(frozen=True)
class ReliabilityCurve:
    """Predicted and observed probability of the last class, in bins; each of the same length."""

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    error: tuple[float, ...]
    events: tuple[int, ...]


@dataclass(frozen=True)
class Calibration:
    """Whether probabilities mean what they say."""

    expected_calibration_error: float
    reliability: ReliabilityCurve


@dataclass(frozen=True)
class ClassMetrics:
    """One class against the rest."""

    auc: float
    background_rejection: dict[str, float]


@dataclass(frozen=True)
class SplitMetrics:
    """The figures of merit of a split."""

    events: int
    auc: float
    auc_error: float
    accuracy: float
    background_rejection: dict[str, float]
    """Signal efficiency -> 1 / background efficiency."""
    classes: dict[str, ClassMetrics] = field(default_factory=dict)
    """Where there are more than two."""
    confusion: tuple[tuple[float, ...], ...] = ()
    """(K true, K predicted), where there are more than two classes; each row adds up to 1."""
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Bin:
    """The AUC in a bin of a column."""

    low: float
    high: float
    events: int
    auc: float
    auc_error: float


@dataclass(frozen=True)
class Sculpting:
    """The background's shape in a column before and after a cut on the score."""

    background_efficiency: float
    edges: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    divergence: float
    """Jensen-Shannon divergence of the two shapes, bits."""
    divergence_error: float | None = None
    """Its statistical error."""
    divergence_by_chance: float | None = None
    """What a random choice of as many events has."""
    before_error: tuple[float, ...] = ()
    after_error: tuple[float, ...] = ()


@dataclass(frozen=True)
class PhaseSpace:
    """A classifier across phase space, by column."""

    auc_in_bins: dict[str, tuple[Bin, ...]] = field(default_factory=dict)
    sculpting: dict[str, Sculpting] = field(default_factory=dict)


@dataclass(frozen=True)
class Metrics(Artefact):
    """The content of metrics.json."""

    REMEDY = "write it again with scripts/evaluate.py --run {run}"

    model: ModelSize
    training: TrainingTime
    train: SplitMetrics | None = None
    validation: SplitMetrics | None = None
    test: SplitMetrics | None = None
    phase_space: PhaseSpace = field(default_factory=PhaseSpace)
    working_points: dict[str, dict[str, float]] = field(default_factory=dict)
    """Class -> background efficiency -> threshold."""

    @property
    def splits(self) -> dict[str, SplitMetrics]:
        """The splits that have events, by name."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: one for name, one in found.items() if one is not None}

    @property
    def best_proof(self) -> SplitMetrics | None:
        """The split that a comparison quotes: test, or validation where there is no test split."""
        return self.test or self.validation
