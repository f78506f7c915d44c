#!/usr/bin/env python3
"""How far scores and AUC spread over versions of onnxruntime, kernels and libtorch.

test/benchmarks/spread.py --model FILE.onnx --store STORE [--table FILE.csv]
"""

from __future__ import annotations

from pathlib import Path

from RecoE2E.ParticleViT.commands import cli


def benchmark(
    model: Path, store: Path, torchscript: Path | None = None, limit: int = 0, table: Path | None = None
) -> None:
    """Print the spread as a table, and what to quote.

    Args:
        model: ONNX file.
        store: Store whose test split is scored.
        torchscript: TorchScript file of the same model.
        limit: Most events; 0 means all.
        table: CSV file to which the rows are added.
    """
    from results import add_rows  # beside this script

    from RecoE2E.ParticleViT.deployment import spread
    from RecoE2E.ParticleViT.store import open_store

    events = open_store(store).read("test", limit=limit or None)
    models = {"onnx": model} | ({} if torchscript is None else {"torchscript": torchscript})
    found = spread.measure_spread(models, events.images, events.labels, spread.default_environments())
    cli.say(spread.table(found))
    if table is not None:
        rows = [
            {
                "model": model.stem,
                **row._asdict(),
                "auc": f"{row.auc:.6f}",
                "auc_difference": f"{row.auc_difference:.2e}",
                "max_abs_difference": f"{row.max_abs_difference:.2e}",
            }
            for row in found.rows
        ]
        add_rows(table, rows, repetitions=1)


if __name__ == "__main__":
    cli.run(benchmark)
