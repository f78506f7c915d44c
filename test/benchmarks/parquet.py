"""Speed of reading image Parquet: to_pydict row by row, Arrow's own decode, and the source of this package.

Run: python test/benchmarks/parquet.py [JETS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.ingest.sources.images import stack
from RecoE2E.ParticleViT.ingest.tables.parquet import ParquetTable
from RecoE2E.ParticleViT.recipe import load_recipe


def write(path: Path, jets: int) -> None:
    """Write jets of the public quark/gluon layout, one row group each."""
    random = np.random.default_rng(1)
    kind = pa.list_(pa.list_(pa.list_(pa.float64())))
    schema = pa.schema({"X_jets": kind, "pt": pa.float64(), "m0": pa.float64(), "y": pa.float64()})
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        for jet in range(jets):
            images = random.exponential(1, (3, 125, 125)) * (random.random((3, 125, 125)) < 0.02)
            columns = [[images.tolist()], [100.0], [10.0], [float(jet % 2)]]
            writer.write_table(pa.table(columns, schema=schema))


def measure(function) -> float:
    """Return the processor time of a call, in seconds."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def main(jets: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jets.parquet"
        write(path, jets)

        def to_pydict() -> None:
            file = pq.ParquetFile(path)
            for group in range(20):
                np.float32(file.read_row_group(group).to_pydict()["X_jets"][0])

        def arrow() -> None:
            file = pq.ParquetFile(path)
            for start in range(0, jets, 20):
                groups = list(range(start, min(start + 20, jets)))
                file.read_row_groups(groups, columns=["X_jets"], use_threads=False)

        recipe = load_recipe("quark_gluon")

        def decode() -> None:
            table = ParquetTable(str(path))
            for start in range(0, jets, 11):
                columns = table.read(["X_jets", "y"], start, min(start + 11, jets))
                stack(columns["X_jets"], str(path), "X_jets", start)

        def source() -> None:
            file = open_source(str(path), recipe)
            for step in file.steps(0, jets):
                file.read(*step)

        calls = (to_pydict, arrow, decode, source)
        times = [[measure(call) for call in calls] for _ in range(5)]  # in turn: the machine is shared
        least = [min(some) for some in zip(*times, strict=True)]
        slow, bare, array, own = (n / t for n, t in zip((20, jets, jets, jets), least, strict=True))
    cli.say(f"to_pydict row by row:          {slow:8,.0f} jets/s")
    cli.say(f"Arrow, one thread, the column: {bare:8,.0f} jets/s")
    cli.say(f"decoded to arrays:             {array:8,.0f} jets/s")
    cli.say(f"source, to sparse images:      {own:8,.0f} jets/s")
    cli.say(f"decoded / to_pydict: {array / slow:.1f} times the speed (wanted: 5 or more)")
    cli.say(f"decoded / Arrow: {bare / array:.2f} times the time (wanted: 1.3 or less)")
    cli.say(f"sparse images / Arrow: {bare / own:.2f} times the time")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
