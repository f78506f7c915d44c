#!/usr/bin/env python3
r"""Processor time per call of models with fresh weights, eager and of their export, all in one run.

    test/benchmarks/latency.py --models sparse_vit hybrid_vit reference_cnn [--sides 32 125 --channels 2 3] \
        [--results FILE.csv]

One thread; the models take turns, so that what else the machine does meets all alike. Images are random, with
about as many hits as jets have.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import add_rows

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.errors import InputError

HITS = 45
Key = tuple[str, tuple[int, int], str]  # model, channels and side, runtime


def benchmark(
    models: list[str],
    sides: Sequence[int] = (32,),
    channels: Sequence[int] = (2,),
    rounds: int = 100,
    results: Path | None = None,
) -> None:
    """Measure models and print milliseconds at batch 1 and 64.

    Args:
        models: Names of the registry.
        sides: Height and width of the images.
        channels: Channels of the images of each side; one number: of all.
        rounds: Calls at batch 1; a tenth of them at batch 64.
        results: CSV file that gets the rows.
    """
    import torch

    torch.set_num_threads(1)
    if rounds < 1:
        raise InputError(f"--rounds is {rounds}; give 1 or more")
    if len(channels) not in (1, len(sides)):
        raise InputError(f"--channels has {len(channels)} numbers; give 1, or {len(sides)} as --sides")
    shapes = [(channels[number % len(channels)], side) for number, side in enumerate(sides)]
    images = {shape: sparse_images(256, *shape) for shape in shapes}
    calls: dict[Key, Callable[[Any], Any]] = {}
    for name, shape in itertools.product(models, shapes):
        calls |= {(name, shape, kind): call for kind, call in runtimes(name, images[shape]).items()}
    rows = []
    for batch, count in ((1, rounds), (64, max(3, rounds // 10))):
        for (name, (depth, side), kind), found in measure(calls, images, batch, count).items():
            row = {"model": name, "runtime": kind, "side": side, "channels": depth, "batch": batch}
            row |= {"median_ms": f"{np.median(found[1:]):.3f}", "least_ms": f"{min(found):.3f}"}
            cli.say("  ".join(f"{key} {value}" for key, value in row.items()))
            rows.append(row)
    if results:
        add_rows(results, rows, rounds)


def measure(
    calls: dict[Key, Callable[[Any], Any]], images: dict[tuple[int, int], np.ndarray], batch: int, count: int
) -> dict[Key, list[float]]:
    """Return the milliseconds of `count` calls of each, in turn, with `batch` images."""
    times: dict[Key, list[float]] = {key: [] for key in calls}
    for number in range(count):
        for key, call in calls.items():
            mine = images[key[1]]
            start = number % (len(mine) - batch)
            some = np.ascontiguousarray(mine[start : start + batch])
            begin = time.process_time()
            call(some)
            times[key].append(1e3 * (time.process_time() - begin))
    return times


def sparse_images(count: int, channels: int, side: int) -> np.ndarray:
    """Return random images (N, C, H, W) with about HITS hits each."""
    random = np.random.default_rng(1)
    shape = (count, channels, side, side)
    hits = random.random((count, 1, side, side)) < HITS / side**2
    return (random.exponential(10.0, shape) * hits).astype(np.float32)


def runtimes(name: str, images: np.ndarray) -> dict[str, Callable[[Any], Any]]:
    """Return the model as a function of images, in eager PyTorch and in onnxruntime."""
    import onnxruntime
    import torch

    from RecoE2E.ParticleViT.deployment.graph import to_onnx
    from RecoE2E.ParticleViT.deployment.targets import DEFAULT_TARGET, TARGETS
    from RecoE2E.ParticleViT.models import build_model
    from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

    specs = tuple(ChannelSpec(f"channel{number}", "GeV", "energy") for number in range(images.shape[1]))
    spec = ImageSpec(specs, images.shape[2], images.shape[3], (images.shape[2] // 2, images.shape[3] // 2))
    network = build_model(name, spec, ["background", "signal"])
    network.fit(lambda: [torch.from_numpy(images)])
    network.eval()
    graph, _ = to_onnx(network, spec.shape, TARGETS[DEFAULT_TARGET], DEFAULT_TARGET, {})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def eager(some: np.ndarray) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(some))

    return {"eager": eager, "onnx": lambda some: session.run(None, {"image": some})}


if __name__ == "__main__":
    cli.run(benchmark)
