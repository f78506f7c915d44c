"""Score a range of entries of one file: the smallest piece of a prediction, in whatever process."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from ..errors import InputError, StoreError
from ..files import atomic_path
from ..geometry.status import Status
from ..ingest.sources.base import SEED_ROW
from .backends import PYTHON_BACKENDS, load_run
from .friends import ScoreBlock
from .predictors import BATCH, Predictor

if TYPE_CHECKING:
    from ..ingest.sources.base import Events, Source
    from ..recipe import Recipe
    from ..store import ImageSpec

Drawn = tuple[ScoreBlock, NDArray[np.int64], NDArray[np.float32]]
AHEAD = 16  # batches that are drawn before they are needed

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
    std: bool = False
    """Whether the standard deviation over an ensemble's members is asked for."""

    def load(self) -> Predictor:
        """Return the model; it is loaded once per process."""
        return _load(self)


@lru_cache(maxsize=1)
def _load(choice: ModelChoice) -> Predictor:
    if choice.threads and choice.backend in (*PYTHON_BACKENDS, "torchscript"):
        import torch

        torch.set_num_threads(choice.threads)
    return load_run(choice.run, choice.backend, choice.threads or None, choice.device, std=choice.std)


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
    from ..ingest.seeds import open_images

    source = open_images(task.path, task.recipe, everything=True)
    predictor = task.model.load()
    block = score_entries(source, predictor, task.start, task.stop)
    if stat(task.path) != task.state:
        raise InputError(f"{task.path}: changed while it was read; run again when it is complete")
    write_part(Path(task.part), block)
    return task.stop - task.start


def score_entries(source: Source, predictor: Predictor, start: int, stop: int) -> ScoreBlock:
    """Return the scores of all candidates of the entries start..stop.

    A thread reads and draws ahead, since backends leave the interpreter free.
    """
    blocks: list[ScoreBlock] = []
    for block, places, images in ahead(draw(source, predictor, start, stop)):
        if not blocks or blocks[-1] is not block:
            blocks.append(block)
        if len(places):
            block.scores[places] = predictor.predict(images)
    whole = ScoreBlock(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
    bad = ~np.isfinite(whole.scores).all(axis=1)
    whole.status[bad], whole.scores[bad] = Status.NOT_FINITE, -1
    return whole


def draw(source: Source, predictor: Predictor, start: int, stop: int) -> Iterator[Drawn]:
    """Yield for each step of reading its candidates without scores, and batch by batch which have images."""
    for first, last in source.steps(start, stop):
        events = source.read(first, last)
        status = domain_status(predictor.image, events)
        scores = np.full((len(events), predictor.width), -1, np.float32)
        block = ScoreBlock(np.bincount(events.entries - first, minlength=last - first), status, scores)
        drawn = np.flatnonzero(status == Status.SCORED)
        for begin in range(0, max(1, len(drawn)), BATCH):
            places = drawn[begin : begin + BATCH]
            yield block, places, events.images.take(places).to_dense()


def ahead(items: Iterator[Drawn]) -> Iterator[Drawn]:
    """Yield the items, while a thread makes the next ones."""
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, None) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, items, None))
            yield item


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


def write_part(path: Path, block: ScoreBlock) -> None:
    """Write a part, whole or not at all."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(file, **block._asdict())


def read_part(path: Path) -> ScoreBlock:
    """Read what `write_part` wrote.

    Raises:
        StoreError: it was damaged since.
    """
    try:
        with np.load(path) as content:
            return ScoreBlock(*(content[name] for name in ScoreBlock._fields))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{path}: damaged ({reason}); remove it, and the same command continues") from error


def count_status(block: ScoreBlock) -> Counter[int]:
    """Return how many candidates have each status."""
    values, counts = np.unique(block.status, return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))
