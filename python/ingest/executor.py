"""Run tasks here, in local processes, or on a Dask cluster, through the standard library's executors."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from typing import Any, Protocol

from ..errors import InputError
from .tables.temporary import TemporaryError

WAIT_SECONDS = 15  # for a scheduler to answer
AHEAD = 3  # tasks per worker that are handed out at a time


class RunTasks(Protocol):
    """How `executor` runs tasks."""

    def __call__(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each task with the result of `function`, or with the exception it raised, as they finish.

        Raises:
            TemporaryError: a worker process was lost.
        """


@contextmanager
def executor(
    workers: int, scheduler: str | None = None, wait_seconds: float = WAIT_SECONDS
) -> Iterator[RunTasks]:
    """Yield what runs tasks: this process, `workers` local ones, or the Dask cluster at `scheduler`.

    Raises:
        InputError: less than one worker; no Dask, or a scheduler without answer or workers.
    """
    if workers < 1:
        raise InputError(f"--workers is {workers}; give 1 or more")
    if scheduler is not None:
        with _dask_client(scheduler, wait_seconds) as client:
            yield partial(_run_in, client.get_executor(), sum(client.nthreads().values()))
    elif workers > 1:
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)
        try:
            yield partial(_run_in, pool, workers)
        finally:
            pool.shutdown(cancel_futures=True)
    else:
        yield run_here


def run_here(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Run one task after the other in this process; see `RunTasks`."""
    for task in tasks:
        yield task, _outcome(function, task)


def _run_in(
    pool: Executor, workers: int, function: Callable[[Any], Any], tasks: Sequence[Any]
) -> Iterator[tuple[Any, Any]]:
    """Run tasks in a pool, a few at a time, so that their results do not pile up; see `RunTasks`."""
    waiting = iter(tasks)
    running: dict[Future[Any], Any] = {}

    def hand_out(count: int) -> None:
        running.update({pool.submit(_outcome, function, task): task for task in islice(waiting, count)})

    hand_out(workers * AHEAD)
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            task = running.pop(future)
            if future.cancelled() or future.exception() is not None:  # the worker died, not the task
                reason = "a worker process ended unexpectedly; run the same command again with fewer workers"
                raise TemporaryError(reason)
            hand_out(1)
            yield task, future.result()


def _outcome(function: Callable[[Any], Any], task: Any) -> Any:
    try:
        return function(task)
    except Exception as error:  # the caller decides what it means
        return error


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end when it ends, also by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _dask_client(scheduler: str, wait_seconds: float) -> Iterator[Any]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise InputError("--scheduler needs Dask: pip install 'particlevit[scale]'") from error
    for name in ("distributed", "distributed.scheduler", "distributed.worker", "distributed.nanny"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        client = distributed.Client(scheduler, timeout=wait_seconds)
    except (OSError, ValueError) as error:
        raise TemporaryError(
            f"scheduler '{scheduler}': no answer within {wait_seconds:g} s; check the address"
        ) from error
    with client:
        if not client.nthreads():
            raise TemporaryError(f"scheduler '{scheduler}': has no workers; start dask worker {scheduler}")
        yield client
