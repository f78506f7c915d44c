"""What the files of a run folder are called; no other module spells their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """A run folder, whether its files are there or not.

    Attributes:
        path: of the folder, or of a shipped description NAME.json that lies beside NAME.onnx.
    """

    path: Path

    @property
    def is_description(self) -> bool:
        """Whether the path is that of a description, not of a folder."""
        return self.path.suffix == ".json"

    @property
    def recipe_file(self) -> Path:
        """The whole recipe, every default written out."""
        return self.path / "recipe.yaml"

    @property
    def history_file(self) -> Path:
        """One row per epoch."""
        return self.path / "history.csv"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def best_checkpoint(self) -> Path:
        """The network of the epoch with the highest validation AUC."""
        return self.checkpoints / "best.ckpt"

    @property
    def last_checkpoint(self) -> Path:
        """Where the training continues."""
        return self.checkpoints / "last.ckpt"

    @property
    def teacher_file(self) -> Path:
        """What a teacher makes of the training events."""
        return self.path / "teacher.npz"

    @property
    def calibration_file(self) -> Path:
        """The temperature, where the run was calibrated."""
        return self.path / "calibration.json"

    @property
    def metrics_file(self) -> Path:
        """Figures of merit."""
        return self.path / "metrics.json"

    @property
    def plots(self) -> Path:
        """Folder of the figures."""
        return self.path / "plots"

    @property
    def export(self) -> Path:
        """Folder of the exported files: RUN/export, or the folder itself where it is a copy of one."""
        if self.is_description:
            return self.path.parent
        return self.path if (self.path / "model.json").is_file() else self.path / "export"

    @property
    def manifest_file(self) -> Path:
        """The description of the exported files."""
        return self.path if self.is_description else self.export / "model.json"

    @property
    def validation_file(self) -> Path:
        """How far the exported files are from the network."""
        return self.path / "validation.json"

    @property
    def benchmark_file(self) -> Path:
        """What the network costs."""
        return self.path / "benchmark.json"

    @property
    def report_file(self) -> Path:
        """All of it on one page."""
        return self.path / "report.html"
