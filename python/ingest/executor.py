"""Run tasks here, in local processes, or on a Dask cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol

from ..errors import InputError
from .tables.temporary import TemporaryError

WAIT_SECONDS = 15  # for a scheduler to answer
AHEAD = 3  # tasks per worker that are handed out at a time


class RunTasks(Protocol):
    """How `executor` runs tasks."""

    def __call__(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each task with the result of `function`, or with the exception it raised, as they finish."""


@contextmanager
def executor(workers: int, scheduler: str | None) -> Iterator[RunTasks]:
    """Yield what runs tasks: this process, `workers` local ones, or the Dask cluster at `scheduler`.

    Raises:
        InputError: Dask is not installed, the scheduler does not answer, or has no workers.
    """
    if scheduler is None and workers <= 1:
        yield run_here
        return
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise InputError("parallel ingest needs Dask: pip install 'particlevit[scale]'") from error
    for name in ("distributed", "distributed.scheduler", "distributed.worker", "distributed.nanny"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if scheduler is None:
        options = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
        cluster = distributed.LocalCluster(n_workers=workers, **options)
        with cluster, distributed.Client(cluster) as client:
            yield _DaskTasks(client, workers)
        return
    try:
        client = distributed.Client(scheduler, timeout=WAIT_SECONDS)
    except (OSError, ValueError) as error:
        raise TemporaryError(
            f"scheduler '{scheduler}': no answer within {WAIT_SECONDS} s; check the address"
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise TemporaryError(f"scheduler '{scheduler}': has no workers; start dask worker {scheduler}")
        yield _DaskTasks(client, threads)


def run_here(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Run one task after the other in this process; see `RunTasks`."""
    for task in tasks:
        yield task, _outcome(function, task)


def _outcome(function: Callable[[Any], Any], task: Any) -> Any:
    try:
        return function(task)
    except Exception as error:  # the caller decides what it means
        return error


class _DaskTasks:
    """Runs tasks on the workers of a Dask client, a few at a time."""

    def __init__(self, client: Any, workers: int) -> None:
        self.client, self.workers = client, workers

    def __call__(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        waiting = iter(tasks)
        running: dict[str, Any] = {}
        done: Any = import_module("distributed").as_completed()

        def hand_out() -> None:
            for task in waiting:
                future = self.client.submit(_outcome, function, task, pure=False)
                running[future.key] = task
                done.add(future)
                return

        for _ in range(self.workers * AHEAD):
            hand_out()
        for future in done:
            task = running.pop(future.key)
            hand_out()
            if future.status != "finished":  # the worker died, not the task
                reason = "a worker process ended unexpectedly; run the same command again with fewer workers"
                yield task, TemporaryError(reason)
            else:
                yield task, future.result()
