"""Train on more and more events, with several models, seeds and starts, and draw what they reach."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import RecipeError
from ..files import write_json
from ..recipe import Recipe, Training
from . import chain

if TYPE_CHECKING:
    from ..evaluation.training_size import Point
    from ..inference.run import Run
    from ..store import Store

logger = logging.getLogger(__name__)


class Kind(NamedTuple):
    """One way to train: a line of the figure."""

    name: str
    recipe: Recipe


class Plan(NamedTuple):
    """What is trained beside the kinds."""

    sizes: Sequence[int]
    seeds: Sequence[int]
    """Empty: the recipe's."""
    steps: int
    """Least number of steps of each training; 0: what the recipe's epochs make."""


def kinds_of(names: Sequence[str], recipes: Sequence[Recipe], start: Path | None) -> list[Kind]:
    """Return a kind for each model, and one more for that of `start`, which begins with its weights.

    Raises:
        RecipeError: none of the models is that of the start.
        ModelError: the start was not trained.
    """
    fresh = [_with_training(recipe, _fresh(recipe.training)) for recipe in recipes]
    kinds = [Kind(name, recipe) for name, recipe in zip(names, fresh, strict=True)]
    if start is None:
        return kinds
    from ..run_folder import RunFolder
    from ..training import load_network

    model = load_network(RunFolder(start).best_checkpoint)[0].name
    if model == "ensemble":
        raise RecipeError(f"--start {start}: is an ensemble; start from one of its members")
    for number, kind in enumerate(kinds):
        if kind.recipe.model.name == model:
            begun = dataclasses.replace(recipes[number].training, start=str(start))
            return [
                *kinds[: number + 1],
                Kind(f"{kind.name}_started", _with_training(recipes[number], begun)),
                *kinds[number + 1 :],
            ]
    raise RecipeError(f"--start {start}: is a {model}; name it in --models, too")


def compare_sizes(kinds: Sequence[Kind], plan: Plan, store: Path, folder: Path) -> str:
    """Train each kind with each number of events and each seed, and return the table.

    The AUCs are those of the test split, or of validation where there is none. Each seed has training events
    of its own; where there are not enough, they overlap as little as possible.

    Raises:
        RecipeError: torchrun started several processes.
        ParticleViTError: see `training.train`.
    """
    from ..evaluation.evaluate import score_run
    from ..evaluation.training_size import draw_training_size, summarise, table
    from ..store import open_store
    from ..training.start import load_start

    chain.refuse_torchrun("trains one model after the other")
    events = open_store(store)
    for kind in kinds:
        if kind.recipe.training.start:
            load_start(kind.recipe, events)  # refused now, not after the first trainings
    seeds: Sequence[int | None] = plan.seeds or [None]
    found: dict[str, list[Point]] = {kind.name: [] for kind in kinds}
    for size in sorted({min(size, events.events("train")) for size in plan.sizes}):
        first = None
        for kind in kinds:
            runs = [train_one(kind, size, seed, plan, events, folder) for seed in seeds]
            scores = [score_run(run) for run in runs]
            first = first or scores
            found[kind.name].append(summarise(size, scores, first))
    content = {name: [point._asdict() for point in points] for name, points in found.items()}
    write_json(folder / "training_size.json", content)
    path = draw_training_size(folder / "plots" / "training_size.png", found, kinds[0].recipe.name)
    return f"{table(found)}\n{path}: figure"


def train_one(kind: Kind, size: int, seed: int | None, plan: Plan, store: Store, folder: Path) -> Run:
    """Train one kind on `size` events into FOLDER/SIZE/KIND, with seeds into FOLDER/SIZE/KIND/SEED."""
    from ..inference.run import Run
    from ..training import train

    logger.info("train %s on %d events%s", kind.name, size, "" if seed is None else f", seed {seed}")
    run = folder / str(size) / kind.name
    settings = _with_size(kind.recipe.training, size, store.events("train"))
    if seed is not None:
        run = run / str(seed)
        skip = first_event(plan.seeds.index(seed), len(plan.seeds), size, store.events("train"))
        settings = dataclasses.replace(settings, seed=seed, skip=skip)
    train(_with_training(kind.recipe, with_steps(settings, size, plan.steps)), store, run)
    return Run(run)


def _with_size(settings: Training, size: int, total: int) -> Training:
    return dataclasses.replace(settings, limit=size if size < total else 0)


def first_event(number: int, seeds: int, size: int, total: int) -> int:
    """Return where a seed's events begin: after the others', or evenly spread if there are not enough.

    >>> [first_event(number, 3, 20, 100) for number in range(3)]
    [0, 20, 40]
    >>> [first_event(number, 3, 20, 48) for number in range(3)]
    [0, 14, 28]
    """
    return number * min(size, (total - size) // max(1, seeds - 1))


def with_steps(settings: Training, size: int, steps: int) -> Training:
    """Return settings with enough epochs for `steps` steps on `size` events; patience and freezing grow, too.

    >>> few = with_steps(Training(max_epochs=10, batch_size=50, patience=5), 100, 60)
    >>> few.max_epochs, few.patience
    (30, 15)
    """
    per_epoch = math.ceil(math.ceil(size / settings.batch_size) / settings.accumulate)
    epochs = max(settings.max_epochs, math.ceil(steps / per_epoch))
    patience, frozen = (
        math.ceil(number * epochs / settings.max_epochs)
        for number in (settings.patience, settings.freeze_epochs)
    )
    return dataclasses.replace(settings, max_epochs=epochs, patience=patience, freeze_epochs=frozen)


def _fresh(settings: Training) -> Training:
    """Return settings without what is for weights that have learnt already."""
    return dataclasses.replace(settings, freeze_epochs=0, layer_decay=1.0)


def _with_training(recipe: Recipe, settings: Training) -> Recipe:
    return dataclasses.replace(recipe, training=settings)
