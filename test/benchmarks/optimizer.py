#!/usr/bin/env python3
"""A training step with AdamW, with Muon, and with Muon as torch has it (in bfloat16).

    test/benchmarks/optimizer.py [--models sparse_vit reference_vit] [--results FILE.csv]

Processor time per image, one thread, all three in turn; the median of the rounds counts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch
from latency import sparse_images
from results import add_rows
from torch.optim import AdamW, Muon, Optimizer

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.models import build_model
from RecoE2E.ParticleViT.models.network import Network
from RecoE2E.ParticleViT.recipe import Training
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec
from RecoE2E.ParticleViT.training.optimizer import make_optimizer

STEPS = 3
IMAGE = ImageSpec(
    (ChannelSpec("pt", "GeV", "energy"), ChannelSpec("multiplicity", "", "count")), 32, 32, (16, 16)
)


def benchmark(
    models: Sequence[str] = ("sparse_vit", "hybrid_vit", "reference_vit"),
    batch: int = 128,
    rounds: int = 7,
    results: Path | None = None,
) -> None:
    """Print the processor time per image of each optimiser.

    Args:
        models: Names in the registry.
        batch: Images of a step.
        rounds: Repetitions, of which the median counts.
        results: CSV file that gets the rows.
    """
    if rounds < 1 or batch < 1:
        raise InputError(f"--rounds is {rounds} and --batch {batch}; give 1 or more")
    torch.set_num_threads(1)
    images = torch.from_numpy(sparse_images(batch, len(IMAGE.channels), IMAGE.height))
    for name in models:
        network = build_model(name, IMAGE, ["a", "b"])
        network.fit(lambda: [images])
        every = optimizers(network)
        times: dict[str, list[float]] = {which: [] for which in every}
        for _ in range(rounds):
            for which, optimizer in every.items():
                times[which].append(seconds(network, optimizer, images) * 1e6 / batch)
        row: dict[str, str | int] = {"model": name, "batch": batch}
        row |= {f"{which}_us": round(median(some)) for which, some in times.items()}
        cli.say(", ".join(f"{key} {value}" for key, value in row.items()))
        if results:
            add_rows(results, [row], rounds)


def optimizers(network: Network) -> dict[str, Optimizer]:
    """Return AdamW, Muon in float32 and torch's own, which is in bfloat16, of the same parameters."""
    own = make_optimizer(network, Training(optimizer="muon"), fused=True)
    theirs = make_optimizer(network, Training(optimizer="muon"), fused=True)
    theirs.parts[1] = Muon(theirs.parts[1].param_groups, adjust_lr_fn="match_rms_adamw")
    return {"adamw": AdamW(network.parameters(), fused=True), "muon": own, "torch_muon": theirs}


def seconds(network: Network, optimizer: Optimizer, images: torch.Tensor) -> float:
    """Return the processor time of a step."""
    labels = torch.arange(len(images)) % 2
    begin = time.process_time()
    for _ in range(STEPS):
        loss = torch.nn.functional.cross_entropy(network.logits(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (time.process_time() - begin) / STEPS


if __name__ == "__main__":
    cli.run(benchmark)
