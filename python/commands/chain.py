"""The whole way in one call: simulate, ingest, train, evaluate, export, validate, report.

Every step finds what is there already, so a chain that was killed goes on where it stopped.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecipeError
from ..files import locked
from ..recipe import Recipe

if TYPE_CHECKING:
    from ..inference.run import Run

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
        OutputError: another chain writes this run, or it cannot be written.
    """
    refuse_torchrun("simulates and ingests first")
    simulate, name = _simulation(recipe, events)
    with locked(run, "chain", inside=False):
        return _run_steps(recipe, run, events, simulate, name)


def _run_steps(
    recipe: Recipe, run: Path, events: int, simulate: Callable[[Path, int, int], None], name: str
) -> tuple[str, bool]:
    inputs = run.parent / "inputs" / name
    store = run.parent / "stores" / f"{recipe.name}_{events}"
    with _step(1, f"simulate {events} events"):
        if not inputs.exists():
            simulate(inputs, events, SIMULATION_SEED)
    with _step(2, f"ingest them into {store}"):
        _ingest(recipe, inputs, store)
    with _step(3, f"train {recipe.model.name}, evaluate"):
        from ..inference.run import Run

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


def refuse_torchrun(what: str) -> None:
    """Refuse to run in several processes what works in one.

    Raises:
        RecipeError: torchrun started several processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RecipeError(f"this command {what}, in one process; under torchrun give --store and one model")


@contextmanager
def _step(number: int, what: str) -> Iterator[None]:
    start = time.monotonic()
    logger.info("step %d/6: %s", number, what)
    yield
    logger.info("step %d/6: done in %.0f s", number, time.monotonic() - start)


def _simulation(recipe: Recipe, events: int) -> tuple[Callable[[Path, int, int], None], str]:
    """Return what simulates the process of the recipe's name, and the name of the file that it writes."""
    from ..simulation import PROCESSES, file_name, simulate

    if recipe.name not in PROCESSES:
        raise RecipeError(f"recipe '{recipe.name}' has no simulation; ingest files and give --store")
    return partial(simulate, recipe.name), file_name(recipe.name, events, SIMULATION_SEED)


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
