"""Evaluate a run on a store: metrics.json and figures."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..auc import check_classes, signal_scores
from ..errors import RunError, StoreError
from ..files import check_writable
from ..inference.backends import network_predictor
from ..inference.calibrated import Temperature
from ..inference.metrics import Metrics, PhaseSpace
from ..inference.run import Run, as_run
from ..inference.scoring import Events, Scores, check_limit, proof_split, score_split
from ..recipe import Evaluation
from ..report.quantity import with_error
from ..run_folder import RunFolder
from ..store import open_store
from . import plots
from .calibration import (
    HIGHEST,
    LOWEST,
    calibration,
    calibration_error,
    draw_reliability,
    fit_temperature,
    reliability,
    scale,
)
from .metrics import confusion, roc, split_metrics, working_points
from .names import run_names
from .physics import compare_scores, draw_bins, draw_sculpting, phase_space

if TYPE_CHECKING:
    from ..inference.run import Model
    from ..store import Store

logger = logging.getLogger(__name__)

TRAIN_EVENTS = 20_000  # of the training split; enough to see overtraining


def evaluate_run(
    run: Run | Path,
    store: Path | None = None,
    output: Path | None = None,
    limit: int = 0,
    settings: Evaluation | None = None,
    calibrate: bool = False,
) -> Metrics:
    """Evaluate the best checkpoint of a run and write metrics.json and plots/*.png.

    Args:
        run: run folder.
        store: store to evaluate on; None: the one of the training.
        output: folder to write to; see `evaluation_folder` for the default.
        limit: most events per split; 0: all, and at most 20,000 of the training split.
        settings: efficiencies to quote; by default the recipe's.
        calibrate: fit a temperature on the validation split first and keep it in RUN/calibration.json, from
            where evaluation and exports take it.

    Returns:
        The content of metrics.json.

    Raises:
        RunError, ModelError: no trained run, or a torn checkpoint.
        StoreError: no such store, one of other images or classes, or a split that lacks a class.
    """
    run = as_run(run)
    check_limit(limit)
    events = run.events(store)
    folder = evaluation_folder(run, store, output, limit)
    check_writable(folder.path)
    with _calibration_kept(run) if calibrate else nullcontext():
        if calibrate:
            write_temperature(run, events)
        return _evaluate(run, events, folder, limit, settings)


def _evaluate(
    run: Run, events: Events, folder: RunFolder, limit: int, settings: Evaluation | None
) -> Metrics:
    network = run.network
    settings = settings or run.recipe.evaluation
    scores = score_splits(network, events, limit)
    splits = {
        split: dataclasses.replace(
            split_metrics(found.labels, found.probabilities, network.classes, settings.signal_efficiencies),
            calibration=calibration(found.labels, found.probabilities),
        )
        for split, found in scores.items()
    }
    last = scores["test"] if "test" in scores else scores[list(scores)[-1]]
    content = Metrics(
        model=run.model_size,
        training=run.training_time,
        **splits,
        phase_space=phase_space(last.labels, last.probabilities, last.columns),
        working_points=class_working_points(scores, network.classes, settings),
    )
    draw_all(folder.plots, scores, history_columns(run), events.store)
    draw_phase_space(folder.plots, content.phase_space, events.store.info.name)
    content.write(folder.metrics_file)
    return content


@contextmanager
def _calibration_kept(run: Run) -> Iterator[None]:
    """Put the run's temperature back if an error ends the block; say which exports a new one makes old."""
    path = run.calibration_file
    before = path.read_bytes() if path.is_file() else None
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        raise
    if run.manifest_file.is_file():
        logger.warning("%s: exported before this calibration; run scripts/export.py again", run.path)


def evaluation_folder(run: RunFolder, store: Path | None, output: Path | None, limit: int = 0) -> RunFolder:
    """Return where an evaluation is written: the run folder for all events of the training's store.

    Anything else goes beside it, so that it replaces nothing: RUN/evaluations/STORE-ID (the store's name and
    the beginning of its id), with -limit-N where only N events per split are used.

    Raises:
        StoreError: the store is not there, or damaged.
    """
    if output is not None:
        return RunFolder(output)
    words = []
    if store is not None:
        words = [store.resolve().name, open_store(store).info.id[:8]]
    if limit:
        words += ["limit", str(limit)]
    return RunFolder(run.path / "evaluations" / "-".join(words)) if words else run


def check_events(run: Run, other: Run, store: Path | None) -> None:
    """Check that two runs can be scored on the same events: those of one store.

    Raises:
        RunError: they were trained on two, and no other is given.
    """
    first, second = run.checkpoint.store, other.checkpoint.store
    if store is None and first.id != second.id:
        raise RunError(
            f"{other.path}: was trained on the store {second.path}, {run.path} on {first.path}; compare them "
            "on one of them with --store STORE"
        )


def compare_runs(run: Run | Path, other: Run | Path, store: Path | None = None, limit: int = 0) -> str:
    """Compare two runs on the same events by a paired test and return the result in one line.

    Raises:
        RunError, ModelError, StoreError: no trained run, or runs on different events.
    """
    both = [as_run(run), as_run(other)]
    first, second = (score_run(one, store, limit) for one in both)
    names = run_names([one.path for one in both])
    found = compare_scores((first.labels, second.labels), (first.probabilities, second.probabilities))
    return (
        f"{names[0]} - {names[1]}: AUC difference {with_error(found.difference, found.error, '+-')} "
        f"on {found.events:,} events, p = {found.p_value:.2g}"
    )


def score_run(run: Run, store: Path | None = None, limit: int = 0) -> Scores:
    """Score the split that proves a run: test, or validation where there is no test split.

    Raises:
        RunError, ModelError, StoreError: no trained run, no store, or a split without events of some class.
    """
    events, predictor = run.events(store), run.predictor()
    found = score_split(predictor.predict, events, proof_split(events), limit, what=run.name)
    check_classes(found.labels, predictor.classes, str(events.store.path))
    return found


def write_temperature(run: Run, events: Events) -> None:
    """Fit the temperature on the validation split and write RUN/calibration.json.

    Raises:
        StoreError: the store has no validation split.
    """
    if "validation" not in events.splits:
        raise StoreError(
            f"{events.store.path}: calibration needs a validation split; use the training's store"
        )
    network = run.trained_network
    found = score_split(network_predictor(network).predict, events, "validation", what="calibration")
    check_classes(found.labels, network.classes, f"{events.store.path}, split validation")
    temperature = fit_temperature(found.labels, found.probabilities)
    if not 1.02 * LOWEST < temperature < HIGHEST / 1.02:
        logger.warning(
            "%s: the temperature %.3g is at its limit; the network is not trained, or the events are too few",
            run.path,
            temperature,
        )
    before, after = found.probabilities, scale(found.probabilities, temperature)
    errors = {
        "before": calibration_error(found.labels, before),
        "after": calibration_error(found.labels, after),
    }
    Temperature(temperature, len(found.labels), errors).write(run.calibration_file)


def score_splits(network: Model, events: Events, limit: int = 0) -> dict[str, Scores]:
    """Return the scores of every split that has events.

    Raises:
        StoreError: no events at all, or a split without events of some class.
    """
    predictor = network_predictor(network)
    result = {}
    path = events.store.path
    for split in events.splits:
        most = limit or (TRAIN_EVENTS if split == "train" else 0)
        result[split] = score_split(predictor.predict, events, split, most, what=split)
        check_classes(result[split].labels, network.classes, f"{path}, split {split}")
    if not result:
        raise StoreError(f"{path}: has no events; ingest some")
    return result


def class_working_points(
    scores: dict[str, Scores], classes: list[str], settings: Evaluation
) -> dict[str, dict[str, float]]:
    """Return {class: {background efficiency: threshold}}, from the validation split where there is one.

    With two classes only the signal has thresholds.
    """
    found = scores.get("validation") or scores[list(scores)[-1]]
    result = {}
    for k in [1] if len(classes) == 2 else range(len(classes)):
        curve = roc(found.labels == k, signal_scores(found.probabilities, k))
        points = working_points(curve, settings.background_efficiencies)
        result[classes[k]] = {target: point["threshold"] for target, point in points.items()}
    return result


def history_columns(run: Run) -> dict[str, NDArray[np.float64]]:
    """Return the columns of RUN/history.csv, one number per epoch (nan where there is none)."""
    rows = run.history
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}


def draw_all(
    folder: Path, scores: dict[str, Scores], history: dict[str, NDArray[np.float64]], store: Store
) -> None:
    """Draw the figures of a run: of the test split, or the last one that has events."""
    split = "test" if "test" in scores else list(scores)[-1]
    found, classes = scores[split], store.classes
    right = f"{store.info.name}, {split} split, {len(found.labels):,} events"
    curves = plots.roc_curves(found.labels, found.probabilities, classes)
    plots.draw_roc(folder / "roc.png", curves, right)
    plots.draw_rejection(folder / "rejection.png", curves, right)
    for k in [1] if len(classes) == 2 else range(len(classes)):
        distribution = plots.score_distributions(found.labels, found.probabilities, classes, k)
        name = "scores" if len(classes) == 2 else f"scores_{classes[k]}"
        plots.draw_scores(folder / f"{name}.png", distribution, right)
    curves_of = {split: reliability(found.labels, found.probabilities)}
    draw_reliability(folder / "reliability.png", curves_of, classes[-1], right)
    if len(classes) > 2:
        matrix = confusion(found.labels, found.probabilities)
        plots.draw_confusion(folder / "confusion.png", matrix, classes, right)
    plots.draw_history(folder / "learning_curves.png", history, store.info.name)


def draw_phase_space(folder: Path, content: PhaseSpace, right: str) -> None:
    """Draw the AUC in bins of each column, and what a cut does to the background's shape."""
    for name, bins in content.auc_in_bins.items():
        if bins:
            draw_bins(folder / f"auc_in_{name}.png", name, bins, right)
    for name, shapes in content.sculpting.items():
        draw_sculpting(folder / f"sculpting_{name}.png", name, shapes, right)


def table(content: Metrics) -> str:
    """Return the metrics as a table for the terminal."""
    header = f"{'split':<12}{'events':>9}{'AUC':>20}{'accuracy':>10}"
    lines = [f"{header}  background rejection at signal efficiency"]
    for split, entry in content.splits.items():
        rejections = ", ".join(
            f"{value:.1f} at {target}" for target, value in entry.background_rejection.items()
        )
        lines.append(
            f"{split:<12}{entry.events:>9}{with_error(entry.auc, entry.auc_error, '+-'):>20}"
            f"{entry.accuracy:>10.4f}  {rejections}"
        )
    return "\n".join(lines)
