"""Speed of `particlevit predict` against that of its backend alone, one thread; rows of results/predict.csv.

The share is the median of the ratios of pairs: by the clock; by the processor's time, which charges reading
and drawing, done by another thread, to the command; and by the main thread's time, which is what the clock
shows where a second core is free.

Run: python test/benchmarks/predict.py RUN 'FILES' [BACKENDS [REPETITIONS]]; RUN's own recipe reads the files.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from results import add_rows

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.inference.prediction_units import ModelChoice
from RecoE2E.ParticleViT.inference.predictors import BATCH
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.inference.run_recipe import run_recipe
from RecoE2E.ParticleViT.ingest.plan import expand
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source

REPETITIONS = 3
SAMPLE = 10_000  # images that the backend alone scores
PREDICT = """
import sys, time
from pathlib import Path
from RecoE2E.ParticleViT.commands.predict import main
main(sys.argv[2:])
Path(sys.argv[1]).write_text(str(time.thread_time()))
"""


class Rate(NamedTuple):
    """Jets per second: of the clock; of the processor's time, since the machine may have other work."""

    clock: float
    cpu: float
    main_thread: float
    """Of the main thread's time, from Python's start to its end; another thread reads and draws beside it."""


def backend_rate(run: str, backend: str, path: str) -> Rate:
    """Return the rate of a backend on dense images in memory, in batches as `predict` makes them."""
    source = open_source(path, run_recipe(Run(Path(run))), everything=True)
    images = source.read(0, min(SAMPLE, source.entries)).images.to_dense()
    predictor = ModelChoice(run, backend, 1).load()
    predictor.predict(images[:BATCH])
    begin, cpu = time.perf_counter(), time.process_time()
    predictor.predict(images)
    seconds, used = time.perf_counter() - begin, time.process_time() - cpu
    return Rate(len(images) / seconds, len(images) / used, len(images) / used)


def predict_rate(run: str, backend: str, files: list[str], jets: int) -> tuple[Rate, float]:
    """Return the rate of the whole command, start of Python included, and its largest memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "main_thread"
        command = [sys.executable, "-c", PREDICT, str(note), "--run", run, "--backend", backend]
        command += ["--threads", "1", "--output", f"{folder}/scores", "--files", *files]
        begin, before = time.perf_counter(), _cpu_of_children()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - begin, _cpu_of_children() - before, float(note.read_text())
        rate = Rate(*(jets / one for one in seconds))
    return rate, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(run: str, pattern: str, backends: str = "onnx,eager", repetitions: str = str(REPETITIONS)) -> None:
    """Measure the backend and the command in turn, so that both meet the same load."""
    os.environ["OMP_NUM_THREADS"] = "1"
    files = expand([pattern])
    jets = sum(open_source(path, run_recipe(Run(Path(run))), everything=True).entries for path in files)
    rows = []
    for backend in backends.split(","):
        alone, whole, memory = [], [], 0.0
        for _ in range(int(repetitions)):
            alone.append(backend_rate(run, backend, files[0]))
            rate, memory = predict_rate(run, backend, files, jets)
            whole.append(rate)
            cli.say(f"{backend}: alone {alone[-1]}, predict {rate}")
        shares = [[w[k] / a[k] for w, a in zip(whole, alone, strict=True)] for k in range(3)]
        clock, cpu, main_thread = (median(values) for values in shares)
        rows.append(
            {
                "backend": backend,
                "batch": BATCH,
                "jets": jets,
                "backend_jets_per_second": round(median(one.clock for one in alone)),
                "predict_jets_per_second": round(median(one.clock for one in whole)),
                "share": round(clock, 3),
                "backend_jets_per_cpu_second": round(median(one.cpu for one in alone)),
                "predict_jets_per_cpu_second": round(median(one.cpu for one in whole)),
                "cpu_share": round(cpu, 3),
                "main_thread_share": round(main_thread, 3),
                "largest_memory_mb": round(memory),
            }
        )
    add_rows(Path(__file__).parent / "results" / "predict.csv", rows, int(repetitions))


if __name__ == "__main__":
    main(*sys.argv[1:])
