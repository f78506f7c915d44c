#!/usr/bin/env python3
"""Operators of the exports of untrained models, and what TensorRT and ROOT's SOFIE lack of them.

test/benchmarks/operators.py --models hybrid_vit vit [--target CMSSW_13_1] [--table FILE.csv]
"""

from __future__ import annotations

from pathlib import Path

from RecoE2E.ParticleViT.commands import cli


def benchmark(models: list[str], target: str = "CMSSW_13_1", table: Path | None = None) -> None:
    """Print the operators of each model, for images of 32 x 32 with energy and time.

    Args:
        models: Names of the registry.
        target: Release of the exports.
        table: CSV file to which the rows are added.
    """
    from results import add_rows  # beside this script

    from RecoE2E.ParticleViT.deployment.graph import operators, to_onnx
    from RecoE2E.ParticleViT.deployment.operators import ENGINES, lacking, operator_lines
    from RecoE2E.ParticleViT.deployment.targets import find_target
    from RecoE2E.ParticleViT.geometry.description import ChannelSpec, ImageSpec
    from RecoE2E.ParticleViT.models import build_model

    channels = ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")
    image = ImageSpec(channels, 32, 32, (15, 15))
    rows = []
    for name in models:
        network = build_model(name, image, ["photon", "electron"]).eval()
        model, _ = to_onnx(network, image.shape, find_target(target), target, {})
        found = operators(model)
        cli.say(f"{name}\n" + "\n".join(operator_lines(found)))
        missing = {f"{engine.name} lacks": " ".join(lacking(found, engine)) for engine in ENGINES}
        listed = " ".join(sorted(found))
        rows.append({"model": name, "target": target, "operators": listed, **missing})
    if table is not None:
        add_rows(table, rows, repetitions=1)


if __name__ == "__main__":
    cli.run(benchmark)
