"""Evaluate a run on a store: metrics.json and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import write_json
from ..auc import check_classes, signal_scores
from ..deployment.export import trained_network
from ..deployment.run import network_predictor
from ..deployment.scoring import Events, Scores, open_events, score_split
from ..errors import StoreError
from ..recipe import Evaluation
from ..training import summary as training_summary
from ..training.history import read_history
from . import plots
from .metrics import confusion, roc, summary, working_points

if TYPE_CHECKING:
    from ..models import Network
    from ..store import Store

TRAIN_EVENTS = 20_000  # of the training split; enough to see overtraining


def evaluate_run(
    run: Path,
    store: Path | None = None,
    output: Path | None = None,
    limit: int = 0,
    settings: Evaluation | None = None,
) -> dict[str, Any]:
    """Evaluate the best checkpoint of a run and write metrics.json and plots/*.png.

    Args:
        run: run folder.
        store: store to evaluate on; None: the one of the training.
        output: folder to write to; by default the run folder, or RUN/evaluations/NAME for another store.
        limit: most events per split; 0: all, and at most 20,000 of the training split.
        settings: efficiencies to quote; by default the recipe's.

    Returns:
        The content of metrics.json.

    Raises:
        RunError, ModelError: no trained run, or a torn checkpoint.
        StoreError: no such store, one of other images or classes, or a split that lacks a class.
    """
    events = open_events(run, store)
    network = trained_network(run)
    settings = settings or run_settings(run)
    scores = score_splits(network, events, limit)
    content = training_summary(run)
    for split, found in scores.items():
        content[split] = summary(
            found.labels, found.probabilities, network.classes, settings.signal_efficiencies
        )
    content["working_points"] = class_working_points(scores, network.classes, settings)
    folder = output or (run if store is None else run / "evaluations" / events.store.path.resolve().name)
    draw_all(folder / "plots", scores, history_columns(run), events.store)
    write_json(folder / "metrics.json", content)
    return content


def run_settings(run: Path) -> Evaluation:
    """Return the section `evaluation` of RUN/recipe.yaml, or the defaults where a run has none."""
    from ..recipe import load_recipe

    path = run / "recipe.yaml"
    return load_recipe(path).evaluation if path.is_file() else Evaluation()


def score_splits(network: Network, events: Events, limit: int = 0) -> dict[str, Scores]:
    """Return the scores of every split that has events.

    Raises:
        StoreError: no events at all, or a split without events of some class.
    """
    predictor = network_predictor(network)
    result = {}
    path = events.store.path
    for split in events.splits:
        most = limit or (TRAIN_EVENTS if split == "train" else 0)
        result[split] = score_split(predictor.predict, events, split, most, progress=split)
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


def history_columns(run: Path) -> dict[str, NDArray[np.float64]]:
    """Return the columns of RUN/history.csv, one number per epoch (nan where there is none)."""
    rows = read_history(run / "history.csv")
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
    if len(classes) > 2:
        matrix = confusion(found.labels, found.probabilities)
        plots.draw_confusion(folder / "confusion.png", matrix, classes, right)
    plots.draw_history(folder / "learning_curves.png", history, store.info.name)


def table(content: dict[str, Any]) -> str:
    """Return the metrics as a table for the terminal."""
    header = f"{'split':<12}{'events':>9}{'AUC':>9}{'error':>9}{'accuracy':>10}"
    lines = [f"{header}  background rejection at signal efficiency"]
    for split in ("train", "validation", "test"):
        if split in content:
            entry = content[split]
            rejections = ", ".join(
                f"{value:.1f} at {target}" for target, value in entry["background_rejection"].items()
            )
            lines.append(
                f"{split:<12}{entry['events']:>9}{entry['auc']:>9.4f}{entry['auc_error']:>9.4f}"
                f"{entry['accuracy']:>10.4f}  {rejections}"
            )
    return "\n".join(lines)
