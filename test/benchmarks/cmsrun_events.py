#!/usr/bin/env python3
"""Make and score the images of real events in cmsRun, and write how they compare with Python's to a table.

    test/benchmarks/cmsrun_events.py --data DATA --results test/benchmarks/results/cmsrun_producers.csv

Needs cmsRun with the package's test modules. For each number of threads, one job writes all images and value
maps, and a second one reads the events again and again, for its memory and times.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.errors import DeploymentError

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
CONFIG = HERE.parent / "scoreEvents_cfg.py"
THREADS = (1, 2)
WARM_UP_EVENTS = 100
TIME = re.compile(r"^TimeModule> (\d+) \d+ ((?:crops|jets)\w+) \S+ (\S+)$", re.MULTILINE)


def record(data: Path, results: Path, repetitions: int = 60, framework: str = "") -> None:
    """Write the table.

    Args:
        data: Folder with event-display files.
        results: The file.
        repetitions: How often the long jobs read all events.
        framework: Versions of framework and data formats; by default what CMSSW_VERSION says.
    """
    import real_events

    from RecoE2E.ParticleViT.evaluation.cost import machine
    from RecoE2E.ParticleViT.geometry.event_files import write_events

    events = real_events.read_events(data)
    found = machine("cpu")
    common = {
        "repetitions": repetitions,
        "framework": framework or os.environ.get("CMSSW_VERSION", ""),
        "onnxruntime": found.versions["onnxruntime"],
        "command": f"test/benchmarks/cmsrun_events.py --data DATA --results FILE --repetitions {repetitions}",
        "commit": _commit(),
        "machine": found.processor,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = real_events.write_models(folder / "models")
        write_events(folder / "events.txt", events)
        expected = {
            kind: real_events.make_images(real_events.describe(kind), events) for kind in real_events.IMAGES
        }
        rows = []
        for threads in THREADS:
            counts = {"threads": threads, "events": len(events)}
            run_job(folder, threads, "--output", folder)
            agreement = compare(folder, models, expected)
            text, memory = run_job(folder, threads, "--repetitions", repetitions, "--timing")
            load = {"load_average": f"{os.getloadavg()[1]:.1f}"}  # of the machine: times are of a busy one
            rows.append(counts | agreement | memory | module_times(text) | load | common)
            cli.say(str(rows[-1]))
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def run_job(folder: Path, threads: int, *options: object) -> tuple[str, dict[str, str]]:
    """Run the configuration with both models; return its log and its memory in MB.

    Raises:
        DeploymentError: no cmsRun, or the job fails.
    """
    from RecoE2E.ParticleViT.inference import cmsrun

    program = shutil.which("cmsRun")
    if program is None:
        msg = "cmsRun is not on PATH; run in a CMSSW area after cmsenv"
        raise DeploymentError(msg)
    words = ["--events", folder / "events.txt", "--crops", "crops.onnx", "--jets", "jets.onnx"]
    command = [program, CONFIG, "--", *words, "--threads", threads, *options]
    log = folder / "job.log"
    environment = cmsrun.job_environment(folder / "models")
    code, memory = cmsrun.run_sampled(list(map(str, command)), log, environment)
    text = log.read_text(encoding="utf-8", errors="replace")
    if code:
        raise cmsrun.job_error(text, code)
    return text, {f"memory_{when}_mb": f"{size:.0f}" for when, size in memory.items()}


def compare(folder: Path, models: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """Return how what the job wrote differs from what Python makes."""
    import real_events

    row: dict[str, Any] = {}
    for kind, own in expected.items():
        images, table = (np.load(folder / f"{kind}_{what}.npy") for what in ("images", "table"))
        if images.shape != own.images.shape:
            msg = f"cmsRun made {len(images)} images of {kind}, Python {len(own.images)}"
            raise DeploymentError(msg)
        scores = real_events.score(models / f"{kind}.onnx", own.images)
        row["candidates"] = len(table)
        row[f"{kind}_images"] = len(images)
        row[f"{kind}_images_different"] = int((images != own.images).any(axis=(1, 2, 3)).sum())
        row[f"{kind}_status_different"] = int((table[:, -1] != own.status).sum())
        row[f"{kind}_score_difference"] = f"{np.abs(table[own.chosen, 2:4] - scores).max():.1e}"
    return row


def module_times(log: str) -> dict[str, str]:
    """Return the mean time of each module per event in ms, without the first events."""
    times: dict[str, list[float]] = {}
    for number, label, seconds in TIME.findall(log):
        if int(number) > WARM_UP_EVENTS:
            times.setdefault(label, []).append(1e3 * float(seconds))
    return {f"{label}_ms": f"{np.mean(values):.3f}" for label, values in sorted(times.items())}


def _commit() -> str:
    words = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    cli.run(record)
