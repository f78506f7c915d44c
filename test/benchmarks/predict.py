"""Speed of `particlevit predict` against that of its backend alone, one thread; rows of results/predict.csv.

Run: python test/benchmarks/predict.py RUN 'FILES' [BACKENDS], where RUN reads the files with its own recipe.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import ROOT, add_rows

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.inference.prediction_units import BATCH, ModelChoice
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.inference.run_recipe import run_recipe
from RecoE2E.ParticleViT.ingest.plan import expand
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source

REPETITIONS = 3
SAMPLE = 10_000  # images that the backend alone scores


def backend_rate(run: str, backend: str, path: str) -> float:
    """Return the images/s of a backend on dense images in memory."""
    source = open_source(path, run_recipe(Run(Path(run))), everything=True)
    images = source.read(0, min(SAMPLE, source.entries)).images.to_dense()
    predictor = ModelChoice(run, backend, 1).load()
    predictor.predict(images[:BATCH])
    begin = time.perf_counter()
    predictor.predict(images)
    return len(images) / (time.perf_counter() - begin)


def predict_rate(run: str, backend: str, files: list[str], jets: int) -> tuple[float, float]:
    """Return the jets/s of the whole command, start of Python included, and its largest memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "scripts/predict.py"), "--run", run, "--backend", backend]
        command += ["--threads", "1", "--output", folder, "--files", *files]
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - begin
    return jets / seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main(run: str, pattern: str, backends: str = "onnx,eager") -> None:
    """Measure the backend and the command in turn, so that both meet the same load."""
    os.environ["OMP_NUM_THREADS"] = "1"
    files = expand([pattern])
    jets = sum(open_source(path, run_recipe(Run(Path(run))), everything=True).entries for path in files)
    rows = []
    for backend in backends.split(","):
        pairs = [
            (backend_rate(run, backend, files[0]), *predict_rate(run, backend, files, jets))
            for _ in range(REPETITIONS)
        ]
        alone, whole, memory = (max(values) for values in zip(*pairs, strict=True))
        cli.say(
            f"{backend}: alone {alone:,.0f}/s, predict {whole:,.0f}/s ({whole / alone:.1%}), {memory:.0f} MB"
        )
        rows.append(
            {
                "backend": backend,
                "jets": jets,
                "backend_jets_per_second": round(alone),
                "predict_jets_per_second": round(whole),
                "share": round(whole / alone, 3),
                "largest_memory_mb": round(memory),
            }
        )
    add_rows(Path(__file__).parent / "results" / "predict.csv", rows, REPETITIONS)


if __name__ == "__main__":
    main(*sys.argv[1:])
