"""Score a range of entries of one file: the smallest piece of a prediction, in whatever process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_path
from ..geometry.status import Status
from ..ingest.sources.base import SEED_ROW
from .backends import PYTHON_BACKENDS, load_run
from .friends import ScoreBlock
from .predictors import Predictor

if TYPE_CHECKING:
    from ..ingest.sources.base import Events, Source
    from ..recipe import Recipe
    from ..store import ImageSpec

BATCH = 512

DOMAIN = (
    ("seed_rows", SEED_ROW, Status.SEED_ROW),
    ("abs_eta", "eta", Status.ETA),
    ("pt", "pt", Status.PT),
)
"""Range of the domain, column and status; the last is the first reason."""


@dataclass(frozen=True)
class ModelChoice:
    """What loads the model in each process."""

    run: str
    backend: str
    threads: int
    """Threads of the backend; 0: one per core."""
    device: str = "cpu"

    def load(self) -> Predictor:
        """Return the model; it is loaded once per process."""
        return _load(self)


@lru_cache(maxsize=1)
def _load(choice: ModelChoice) -> Predictor:
    if choice.threads and choice.backend in (*PYTHON_BACKENDS, "torchscript"):
        import torch

        torch.set_num_threads(choice.threads)
    return load_run(choice.run, choice.backend, choice.threads or None, choice.device)


@dataclass(frozen=True)
class ScoreTask:
    """The entries start..stop of a file, and where their scores go."""

    job: int
    path: str
    state: tuple[int, int]
    """Size and time of change of the file when it was planned."""
    start: int
    stop: int
    recipe: Recipe
    model: ModelChoice
    part: str


def run_task(task: ScoreTask) -> int:
    """Score the entries of a task and write their part. Returns the entries.

    Raises:
        InputError: the file is damaged, or changed since it was planned.
    """
    from ..ingest.plan import stat
    from ..ingest.sources.dispatch import open_source

    source = open_source(task.path, task.recipe, everything=True)
    predictor = task.model.load()
    blocks = [
        score_events(predictor, events, start, stop)
        for (start, stop), events in read_ahead(source, source.steps(task.start, task.stop))
    ]
    if stat(task.path) != task.state:
        raise InputError(f"{task.path}: changed while it was read; run again when it is complete")
    write_part(Path(task.part), join(blocks))
    return task.stop - task.start


def read_ahead(source: Source, steps: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], Events]]:
    """Yield the events of each of the steps, while a thread reads the next one."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(source.read, *step) for step in steps[:1]]
        for number, step in enumerate(steps):
            events = waiting.pop().result()
            waiting = [pool.submit(source.read, *later) for later in steps[number + 1 : number + 2]]
            yield step, events


def score_events(predictor: Predictor, events: Events, start: int, stop: int) -> ScoreBlock:
    """Return the scores of all candidates of the entries start..stop."""
    status = domain_status(predictor.image, events)
    scores = np.full((len(events), len(predictor.classes)), -1, np.float32)
    drawn = np.flatnonzero(status == Status.SCORED)
    for first in range(0, len(drawn), BATCH):
        places = drawn[first : first + BATCH]
        scores[places] = predictor.predict(events.images.take(places).to_dense(), BATCH)
    bad = ~np.isfinite(scores).all(axis=1)
    status[bad], scores[bad] = Status.NOT_FINITE, -1
    counts = np.bincount(events.entries - start, minlength=stop - start)
    return ScoreBlock(counts, status, scores)


def domain_status(image: ImageSpec, events: Events) -> NDArray[np.int8]:
    """Return the status of all candidates, where the model's domain was not yet asked.

    A value that is not known, as of a candidate without a seed, leaves the status as it is.
    """
    status = np.array(events.status, np.int8)
    for name, column, reason in DOMAIN:
        limits = getattr(image.domain, name)
        if limits is UNSET or column not in events.columns:
            continue
        value = np.abs(events.columns[column]) if name == "abs_eta" else events.columns[column]
        low, high = limits
        below = False if low is None else value < low
        above = False if high is None else value > high
        status[below | above] = reason
    return status


def join(blocks: list[ScoreBlock]) -> ScoreBlock:
    """Return blocks (one or more) as one."""
    return ScoreBlock(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def write_part(path: Path, block: ScoreBlock) -> None:
    """Write a part, whole or not at all."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(file, **block._asdict())


def read_part(path: Path) -> ScoreBlock:
    """Read what `write_part` wrote."""
    with np.load(path) as content:
        return ScoreBlock(*(content[name] for name in ScoreBlock._fields))


def count_status(block: ScoreBlock) -> Counter[int]:
    """Return how many candidates have each status."""
    values, counts = np.unique(block.status, return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))
