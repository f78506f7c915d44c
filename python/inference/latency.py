"""Latency per call of several models, measured so that a noisy machine does not decide the comparison."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Score = Callable[[NDArray[np.float32]], Any]
WARM_UP = 20  # calls; onnxruntime and TorchScript optimise during the first ones


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads for a while."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measure(
    scorers: Mapping[str, Score],
    images: NDArray[np.float32],
    rounds: int = 20,
    calls: int = 10,
    warm_up: int = WARM_UP,
) -> dict[str, NDArray[np.float64]]:
    """Return the duration of each call in ms, (rounds, calls) for each scorer.

    In each round every scorer runs `calls` times in turn, so that what disturbs the machine disturbs all.

    Args:
        scorers: name -> function that scores one batch.
        images: the batch (B, C, H, W).
        rounds: number of rounds.
        calls: consecutive calls per round.
        warm_up: calls before the first round.
    """
    for score in scorers.values():
        for _ in range(warm_up):
            score(images)
    result = {name: np.empty((rounds, calls)) for name in scorers}
    for number in range(rounds):
        for name, score in scorers.items():
            for call in range(calls):
                start = time.perf_counter()
                score(images)
                result[name][number, call] = (time.perf_counter() - start) * 1e3
    return result


def percentiles(durations: NDArray[np.float64]) -> dict[str, float]:
    """Return median and 95th percentile (ms)."""
    return {"median": float(np.median(durations)), "p95": float(np.percentile(durations, 95))}


def speedup(reference: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how many times faster `other` is: the median over rounds of the ratio of their medians."""
    return float(np.median(np.median(reference, axis=1) / np.median(other, axis=1)))


def compare(
    scorers: Mapping[str, Score], images: NDArray[np.float32], batch_sizes: Sequence[int] = (1, 64)
) -> dict[int, dict[str, NDArray[np.float64]]]:
    """Return `measure` for each batch size, with one thread of torch; fewer calls for large batches.

    Args:
        scorers: name -> function that scores one batch.
        images: at least as many images as the largest batch (N, C, H, W).
        batch_sizes: images per call.
    """
    with torch_threads(1):
        return {
            size: measure(
                scorers,
                np.ascontiguousarray(images[:size]),
                rounds=20 if size == 1 else 8,
                calls=10 if size == 1 else 3,
            )
            for size in batch_sizes
        }
