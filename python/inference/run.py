"""A run folder as an object: everything that was trained, measured and exported in it, each loaded once."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ..errors import RunError, StoreError
from ..run_folder import RunFolder
from .manifest import Manifest, installed_versions
from .metrics import Metrics, ModelSize, TrainingTime

if TYPE_CHECKING:
    from ..models import Ensemble, Network
    from ..recipe import Recipe
    from ..training.checkpoint import CheckpointInfo
    from .calibrated import Calibrated
    from .predictors import Predictor
    from .scoring import Events

    Model = Network | Ensemble | Calibrated


@dataclasses.dataclass(frozen=True)
class Run(RunFolder):
    """A trained run. Nothing is read before it is asked for; an error names the file and what makes it."""

    @property
    def name(self) -> str:
        """Name of the folder, or of the description without its ending."""
        return self.path.stem if self.is_description else self.path.resolve().name

    @cached_property
    def _loaded(self) -> tuple[Network | Ensemble, CheckpointInfo]:
        from ..training.checkpoint import load_network

        if not self.best_checkpoint.is_file():
            what = "not a run folder" if self.path.is_dir() else "no such folder"
            raise RunError(
                f"{self.path}: {what}, expected {self.best_checkpoint}; "
                f"train it with scripts/train.py --run {self.path}"
            )
        network, info = load_network(self.best_checkpoint)
        if info.pretext:
            raise RunError(
                f"{self.path}: was pretrained and knows no classes; train with --start {self.path} first"
            )
        return network, info

    @property
    def trained_network(self) -> Network | Ensemble:
        """The network of the best checkpoint as it was trained, in evaluation mode, on the CPU.

        Raises:
            RunError: there is no checkpoint.
            ModelError: it is torn, or holds another kind of model.
        """
        return self._loaded[0]

    @property
    def network(self) -> Model:
        """The trained network, calibrated where the run is; raises as `trained_network`."""
        from .calibrated import Calibrated, read_temperature

        temperature = read_temperature(self)
        if temperature is None:
            return self.trained_network
        return Calibrated(self.trained_network, temperature).eval()

    @property
    def checkpoint(self) -> CheckpointInfo:
        """What the best checkpoint says about itself; raises as `trained_network`."""
        return self._loaded[1]

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the training; raises as `trained_network`."""
        from ..recipe import parse_recipe

        return parse_recipe(self.checkpoint.recipe, {}, str(self.best_checkpoint))

    @property
    def metrics(self) -> Metrics:
        """The content of metrics.json.

        Raises:
            RunError: the run was not evaluated, or the file is damaged.
        """
        return Metrics.read(self.metrics_file, self.path)

    @property
    def manifest(self) -> Manifest:
        """The content of model.json.

        Raises:
            DeploymentError: the run was not exported, or the file is damaged or of another format.
        """
        return Manifest.read(self.manifest_file, self.path)

    @property
    def description(self) -> Manifest:
        """What model.json says before any file is exported: no working points where nobody evaluated."""
        network = self.network
        metrics = self.metrics if self.metrics_file.is_file() else None
        return Manifest(
            name=network.name,
            image=network.image,
            classes=tuple(network.classes),
            working_points=metrics.working_points if metrics else {},
            metrics=dataclasses.replace(metrics, working_points={}) if metrics else None,
            recipe={key: self.checkpoint.recipe[key] for key in ("name", "classes", "inputs", "image")},
            versions=installed_versions(),
        )

    @property
    def model_size(self) -> ModelSize:
        """Name, parameters and FLOPs of the network; raises as `trained_network`."""
        network = self.trained_network
        return ModelSize(network.name, network.parameter_count, network.flops_per_event())

    @property
    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv, one per epoch.

        Raises:
            RunError: no such file, or none of this package.
        """
        from ..training.history import read_history

        return read_history(self.history_file)

    @property
    def training_time(self) -> TrainingTime:
        """Epochs, seconds and speed of the training; raises as `history`."""
        rows = self.history
        return TrainingTime(
            epochs=len(rows),
            seconds=sum(row["seconds"] for row in rows),
            images_per_second=median(row["images_per_second"] for row in rows),
        )

    def events(self, store: Path | None = None) -> Events:
        """Open a store, by default the one of the training, as the run's model sees it.

        Raises:
            RunError, ModelError: no trained run, or a torn checkpoint.
            StoreError: the store is not there, damaged, or of other images or classes.
        """
        from ..store import open_store
        from .scoring import model_events

        path = store or Path(self.checkpoint.store.path)
        if store is None and not (path / "store.json").is_file():
            raise StoreError(
                f"{path}: the store of the training is not there any more; name one with --store"
            )
        return model_events(open_store(path), self)

    def predictor(self, backend: str = "eager", **options: Any) -> Predictor:
        """Return the run's model on a backend, see `backends.load_run`."""
        from .backends import load_run

        return load_run(self, backend, **options)


def as_run(run: Run | Path | str) -> Run:
    """Return the run of a folder, or the run itself, with what it has loaded already."""
    return run if isinstance(run, Run) else Run(Path(run))
