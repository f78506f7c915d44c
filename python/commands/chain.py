"""The whole way in one call: simulate, ingest, train, evaluate, export, validate, report.

Every step finds what is there already, so a chain that was killed goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..errors import RecipeError
from ..files import write_json
from ..inference.run import Run
from ..recipe import Recipe

logger = logging.getLogger(__name__)

SIMULATION_SEED = 1


def train_and_evaluate(recipe: Recipe, store: Path, run: Run) -> str:
    """Train the recipe's network on `store` into the folder `run`; write metrics.json and plots.

    Under torchrun all processes train, and the first one evaluates.

    Returns:
        The table of figures of merit; nothing in the other processes of torchrun.

    Raises:
        ParticleViTError: the store, the model or the run folder does not fit; see `training.train`.
    """
    from ..evaluation.evaluate import evaluate_run, table
    from ..store import open_store
    from ..training import train

    train(recipe, open_store(store), run.path)
    return "" if int(os.environ.get("RANK", "0")) else table(evaluate_run(run))


def run_chain(recipe: Recipe, run: Path, events: int) -> tuple[str, bool]:
    """Simulate `events` events, train on them, export and validate; inputs and store lie beside the run.

    Returns:
        What to tell the user, and whether the exports agree with the network.

    Raises:
        RecipeError: the recipe has no simulation, or torchrun started several processes.
    """
    _refuse_torchrun("simulates and ingests first")
    simulate, suffix = _simulation(recipe)
    inputs = run.parent / "inputs" / f"{recipe.name}_{events}_seed{SIMULATION_SEED}{suffix}"
    store = run.parent / "stores" / f"{recipe.name}_{events}"
    with _step(1, f"simulate {events} events"):
        if not inputs.exists():
            simulate(inputs, events, SIMULATION_SEED)
    with _step(2, f"ingest them into {store}"):
        _ingest(recipe, inputs, store)
    with _step(3, f"train {recipe.model.name}, evaluate"):
        trained = Run(run)
        metrics = train_and_evaluate(recipe, store, trained)
    with _step(4, "export TorchScript and ONNX"):
        from ..deployment.export import export_run

        export_run(trained)
    with _step(5, "validate the exports"):
        from ..deployment.validate import table, validate_run

        validation = validate_run(trained)
    with _step(6, "write the report"):
        from .run_page import write_report

        write_report(trained)
    return f"{metrics}\n\n{table(validation)}\n\n{_where(run, inputs, store)}", validation.passed


def compare_models(recipe: Recipe, models: list[str], store: Path, folder: Path) -> str:
    """Train several models on the same events and compare what they reach and what they cost.

    Each run is FOLDER/MODEL; FOLDER/benchmark.html has the table and the figures of AUC against cost.

    Returns:
        The table, and a paired test of every model against the first.

    Raises:
        ParticleViTError: see `train_and_evaluate`.
    """
    from ..deployment.export import export_run
    from ..evaluation.benchmark import benchmark_runs, table
    from ..evaluation.evaluate import compare_runs

    _refuse_torchrun("trains one model after the other")
    runs = [folder / name for name in models]
    for name, run in zip(models, runs, strict=True):
        logger.info("train %s", name)
        trained = Run(run)
        train_and_evaluate(_with_model(recipe, name), store, trained)
        export_run(trained)
    lines = [table(benchmark_runs(runs, folder))]
    lines += [compare_runs(runs[0], other) for other in runs[1:]]
    return "\n".join([*lines, f"{folder / 'benchmark.html'}: table and figures"])


def compare_sizes(recipe: Recipe, models: list[str], sizes: list[int], store: Path, folder: Path) -> str:
    """Train models on more and more events of one store; everything else stays the same.

    Each run is FOLDER/SIZE/MODEL; FOLDER/training_size.json and plots/training_size.png have the AUCs of the
    test split, or of validation where there is none.

    Returns:
        The table.

    Raises:
        RecipeError: a size is below 1.
        ParticleViTError: see `train_and_evaluate`.
    """
    from ..evaluation.training_size import Point, draw_training_size, point, table
    from ..store import open_store

    _refuse_torchrun("trains one model after the other")
    if min(sizes) < 1:
        raise RecipeError(f"--sizes {','.join(map(str, sizes))}: expected numbers of events, 1 or more")
    events = open_store(store).events("train")
    found: dict[str, list[Point]] = {name: [] for name in models}
    for size in sorted({min(size, events) for size in sizes}):
        for name in models:
            logger.info("train %s on %d events", name, size)
            run = folder / str(size) / name
            limit = size if size < events else 0
            train_and_evaluate(_with_limit(_with_model(recipe, name), limit), store, Run(run))
            found[name].append(point(size, run))
    content = {name: [point._asdict() for point in points] for name, points in found.items()}
    write_json(folder / "training_size.json", content)
    path = draw_training_size(folder / "plots" / "training_size.png", found, recipe.name)
    return f"{table(found)}\n{path}: figure"


def combine_runs(runs: list[Path], run: Path, mean: str) -> str:
    """Make an ensemble of runs, and evaluate it.

    Returns:
        The table of figures of merit.

    Raises:
        ModelError, RunError: see `training.ensemble.make_ensemble`.
    """
    from ..evaluation.evaluate import evaluate_run, table
    from ..training.ensemble import make_ensemble

    _refuse_torchrun("combines runs")
    make_ensemble(runs, run, mean)
    return table(evaluate_run(run))


def _refuse_torchrun(what: str) -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RecipeError(f"this command {what}, in one process; under torchrun give --store and one model")


def _with_model(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with another model, at that model's default options."""
    if name == recipe.model.name:
        return recipe
    return dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, name=name, options={}))


def _with_limit(recipe: Recipe, events: int) -> Recipe:
    """Return the recipe with at most `events` training events; 0 means all."""
    return dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, limit=events))


@contextmanager
def _step(number: int, what: str) -> Iterator[None]:
    start = time.monotonic()
    logger.info("step %d/6: %s", number, what)
    yield
    logger.info("step %d/6: done in %.0f s", number, time.monotonic() - start)


def _simulation(recipe: Recipe) -> tuple[Callable[[Path, int, int], None], str]:
    """Return what simulates the process of the recipe's name, and the suffix of the file that it writes."""
    from ..simulation import PROCESSES, simulate

    if recipe.name not in PROCESSES:
        raise RecipeError(f"recipe '{recipe.name}' has no simulation; ingest files and give --store")
    return partial(simulate, recipe.name), PROCESSES[recipe.name].suffix


def _ingest(recipe: Recipe, inputs: Path, store: Path) -> None:
    from ..ingest import ingest_files

    ingest_files(recipe, store, str(inputs))


def _where(run: Path, inputs: Path, store: Path) -> str:
    places = {
        "report": run / "report.html",
        "metrics": run / "metrics.json",
        "figures": run / "plots",
        "exports": run / "export",
        "validation": run / "validation.json",
        "images": store,
        "simulated events": inputs,
    }
    return "\n".join(f"{name:>17}: {path}" for name, path in places.items())
