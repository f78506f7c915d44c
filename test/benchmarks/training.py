#!/usr/bin/env python3
"""Cost of loader and Lightning over a bare PyTorch loop on tensors in memory; the goal is at most 10 %.

    test/benchmarks/training.py --store STORE [--recipe top_tagging] [--model.name reference_cnn]

Both sides take the same steps with one thread. What is compared is processor time, which other jobs on the
machine disturb less than the clock; the least of several rounds counts.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from RecoE2E.ParticleViT.commands import cli

LIMIT = 0.10


def benchmark(
    recipe: str,
    store: Path,
    events: int = 12800,
    rounds: int = 3,
    overrides: dict[str, Any] | None = None,
) -> None:
    """Print the processor time per image of both, and their ratio.

    Args:
        recipe: Name of a built-in recipe, or a YAML file.
        store: Folder of images that scripts/ingest.py wrote.
        events: Number of training images.
        rounds: Number of repetitions, of which the fastest counts.
    """
    from RecoE2E.ParticleViT.recipe import load_recipe
    from RecoE2E.ParticleViT.store import open_store

    one = {"training.threads": 1, "training.max_epochs": 1, "training.limit": events}
    study = load_recipe(recipe, {**(overrides or {}), **one})
    opened = open_store(store)
    times = [(bare_loop(study, opened), package(study, opened)) for _ in range(rounds)]
    bare, ours = (min(side) * 1e6 / events for side in zip(*times, strict=True))
    overhead = ours / bare - 1
    verdict = "within" if overhead <= LIMIT else "ABOVE"
    cli.say(f"{study.model.name}: bare loop {bare:.0f} us/image, package {ours:.0f} us/image")
    cli.say(f"overhead {overhead:+.1%}, {verdict} the goal of {LIMIT:.0%}")


def bare_loop(recipe: Any, store: Any) -> float:
    """Return the seconds of one epoch over tensors in memory."""
    import torch

    from RecoE2E.ParticleViT.training.optimizer import make_optimizer
    from RecoE2E.ParticleViT.training.run import make_network

    torch.set_num_threads(1)
    settings = recipe.training
    network = make_network(recipe, store)
    optimizer = make_optimizer(network, settings, fused=True)
    batch = store.read("train", limit=settings.limit)
    images, labels = torch.from_numpy(batch.images), torch.from_numpy(batch.labels)
    order = torch.randperm(len(images))
    start = time.process_time()
    for chosen in order.split(settings.batch_size):
        inputs = images[chosen].contiguous(memory_format=torch.channels_last)
        loss = torch.nn.functional.cross_entropy(network.logits(inputs), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_clip)
        optimizer.step()
    return time.process_time() - start


def package(recipe: Any, store: Any) -> float:
    """Return the seconds of one epoch of `train`, reading and decoding included."""
    from RecoE2E.ParticleViT.training import train

    stopwatch = _stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        train(recipe, store, Path(folder) / "run", [stopwatch])
    return float(stopwatch.stop - stopwatch.start)


def _stopwatch() -> Any:
    import lightning

    class Stopwatch(lightning.Callback):
        start = stop = 0.0

        def on_train_epoch_start(self, *_: Any) -> None:
            self.start = time.process_time()

        def on_train_batch_end(self, *_: Any) -> None:
            self.stop = time.process_time()

    return Stopwatch()


if __name__ == "__main__":
    cli.run(benchmark, sections=("model", "training"))
