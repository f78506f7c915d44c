#!/usr/bin/env python3
"""Scores, latency and throughput of an export on a Triton server, by number of clients.

    test/benchmarks/triton_server.py --export FOLDER --store STORE --url http://localhost:8000/NAME
        [--table FILE.csv]

FOLDER holds model.json and its files; the server runs what scripts/export.py --triton wrote (for one on this
machine: test/deployment/serve.py). Each client is a process that sends one image after the other. The scores
of the test split are compared with ONNX Runtime's first.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.store import open_store

CLIENTS = (1, 4, 16)


def benchmark(
    export: Path, store: Path, url: str, requests: int = 400, rounds: int = 3, table: Path | None = None
) -> None:
    """Print the largest difference of a score from ONNX Runtime's, then latency and throughput.

    Args:
        export: Folder with model.json, or a run.
        store: Store whose test split is scored.
        url: Address of the server and model.
        requests: Requests of each client.
        rounds: Repetitions; the one with the median throughput counts.
        table: CSV file to which the rows are added.
    """
    from results import add_rows  # beside this script

    from RecoE2E.ParticleViT.inference.backends import load_run

    images = open_store(store).read("test").images
    difference = np.abs(
        load_run(export, url).predict(images) - load_run(export, "onnx").predict(images)
    ).max()
    cli.say(f"{len(images)} test images: largest difference from onnxruntime {difference:.1e}")
    rows = []
    local = measure(1, export, "onnx", images[:64], requests)
    for name, clients, found in [
        ("onnxruntime, in the process", 1, local),
        *((url.split("://")[0] + " to triton", n, median_round(n, export, url, images[:64], requests, rounds))
          for n in CLIENTS),
    ]:  # fmt: skip
        milliseconds, throughput = found
        rows.append(
            {
                "served": name,
                "clients": clients,
                "images": len(images),
                "max_abs_difference": f"{difference:.2e}" if "triton" in name else "0",
                "median_ms": f"{np.median(milliseconds):.3f}",
                "p95_ms": f"{np.percentile(milliseconds, 95):.3f}",
                "images_per_second": f"{throughput:.0f}",
            }
        )
        cli.say("  ".join(f"{key} {value}" for key, value in rows[-1].items()))
    if table is not None:
        add_rows(table, rows, repetitions=rounds * requests)


def median_round(
    clients: int, export: Path, url: str, images: NDArray[np.float32], requests: int, rounds: int
) -> tuple[NDArray[np.float64], float]:
    """Return the round with the median throughput; see `measure`."""
    found = [measure(clients, export, url, images, requests) for _ in range(rounds)]
    return sorted(found, key=lambda one: one[1])[rounds // 2]


def measure(
    clients: int, export: Path, backend: str, images: NDArray[np.float32], requests: int
) -> tuple[NDArray[np.float64], float]:
    """Return the duration of each request in ms, and the images per second of all clients together."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(clients, mp_context=context) as pool:
        barrier = manager.Barrier(clients)
        jobs = [
            pool.submit(_client, barrier, export, backend, images, requests, number)
            for number in range(clients)
        ]
        parts = [job.result() for job in jobs]
    seconds = max(end for _, end, _ in parts) - min(start for start, _, _ in parts)
    return np.concatenate([durations for _, _, durations in parts]), clients * requests / seconds


def _client(barrier, export, backend, images, requests, number):  # type: ignore[no-untyped-def]
    """Send the images one by one; return begin, end (s) and the duration of each request (ms)."""
    from RecoE2E.ParticleViT.inference.backends import load_run

    score = load_run(export, backend, threads=1).score
    batches = [np.ascontiguousarray(images[i : i + 1]) for i in range(len(images))]
    for batch in batches[:20]:
        score(batch)
    barrier.wait()
    begin = time.time()
    durations = np.empty(requests)
    for i in range(requests):
        start = time.perf_counter()
        score(batches[(i + number) % len(batches)])
        durations[i] = (time.perf_counter() - start) * 1e3
    return begin, time.time(), durations


if __name__ == "__main__":
    cli.run(benchmark)
