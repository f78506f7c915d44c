#!/usr/bin/env python3
"""Time and memory of the producers with 1, 2 and 4 streams, and append them to a table.

    test/benchmarks/cmsrun_streams.py --data DATA --results test/benchmarks/results/cmsrun_streams.csv

Needs cmsRun with the package's test modules. The hits are those of real events, each with 0 to 30 candidates
at crystals with energy, all within the model's domain; image making is timed apart from scoring. The jobs of
1, 2 and 4 streams follow one another in each repetition, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from RecoE2E.ParticleViT.commands import cli

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
STREAMS = (1, 2, 4)
DISTINCT = 50  # events that differ
MOST = 30  # candidates of an event
LARGEST_RING = 65  # whose window of 32 rows lies in the barrel
WARM_UP_EVENTS = 100


def record(
    data: Path, results: Path, events: int = 10000, repetitions: int = 2, framework: str = "", seed: int = 1
) -> None:
    """Append the rows.

    Args:
        data: Folder with event-display files.
        results: The file.
        events: Number of events of a job, a multiple of 50.
        repetitions: How often each number of streams is run.
        framework: Versions of framework and data formats; by default what CMSSW_VERSION says.
        seed: Of the numbers of candidates and their places.
    """
    import cmsrun_events
    import real_events

    from RecoE2E.ParticleViT.evaluation.cost import machine
    from RecoE2E.ParticleViT.geometry.event_files import write_events

    found = machine("cpu")
    common = {
        "framework": framework or os.environ.get("CMSSW_VERSION", ""),
        "onnxruntime": found.versions["onnxruntime"],
        "command": f"test/benchmarks/cmsrun_streams.py --data DATA --results FILE --events {events} "
        f"--repetitions {repetitions} --seed {seed}",
        "commit": cmsrun_events._commit(),
        "machine": found.processor,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real_events.write_models(folder / "models")
        counts, made = place_candidates(real_events.read_events(data)[:DISTINCT], seed)
        write_events(folder / "events.txt", made)
        for repetition in range(repetitions):
            for streams in STREAMS:
                row = run(folder, streams, events // DISTINCT, counts)
                row = (
                    {"streams": streams, "repetition": repetition + 1, "repetitions": repetitions}
                    | row
                    | common
                )
                cli.say(str(row))
                append(results, row)


def place_candidates(events, seed):  # type: ignore[no-untyped-def]
    """Return how many candidates each event gets, and the events with them."""
    from RecoE2E.ParticleViT.geometry.candidates import Candidates

    random = np.random.default_rng(seed)
    counts = np.concatenate([np.arange(MOST + 1), random.integers(0, MOST + 1, len(events) - MOST - 1)])
    random.shuffle(counts)
    made = []
    for event, count in zip(events, counts, strict=True):
        hits = event.barrel
        good = np.flatnonzero((hits.energy > 0.5) & (np.abs(hits.ieta) <= LARGEST_RING))
        chosen = random.choice(good, count)
        ieta, iphi = hits.ieta[chosen], hits.iphi[chosen]
        places = Candidates(np.full(count, 20.0), ieta * 0.0174, np.radians(iphi - 10.0))
        crystals = [np.array([pair], np.int64) for pair in zip(ieta, iphi, strict=True)]
        made.append(event._replace(candidates=places, crystals=crystals))
    return counts, made


def run(folder: Path, streams: int, repetitions: int, counts: np.ndarray) -> dict[str, object]:
    """Run one job; return its times in ms and its memory in MB."""
    from RecoE2E.ParticleViT.inference import cmsrun

    options = ["--crops", "crops.onnx", "--threads", streams, "--repetitions", repetitions, "--timing"]
    command = [
        "cmsRun",
        HERE.parent / "scoreEvents_cfg.py",
        "--",
        "--events",
        folder / "events.txt",
        *options,
    ]
    start = time.perf_counter()
    code, memory = cmsrun.run_sampled(
        [str(word) for word in command], folder / "job.log", cmsrun.job_environment(folder / "models")
    )
    seconds = time.perf_counter() - start
    log = (folder / "job.log").read_text(encoding="utf-8", errors="replace")
    if code:
        raise cmsrun.job_error(log, code)
    return {
        "events": repetitions * len(counts),
        "images": repetitions * int(counts.sum()),
        **times(log, counts),
        **{f"memory_{when}_mb": f"{size:.1f}" for when, size in memory.items()},
        "job_seconds": f"{seconds:.0f}",
        "load_average": f"{os.getloadavg()[0]:.1f}",
    }


def times(log: str, counts: np.ndarray) -> dict[str, str]:
    """Return medians of making and scoring images: per event, per image, in events without candidates."""
    import cmsrun_events

    found: dict[str, list[tuple[int, float]]] = {"cropsImages": [], "cropsScores": []}
    for number, label, seconds in cmsrun_events.TIME.findall(log):
        if label in found and int(number) > WARM_UP_EVENTS:
            found[label].append((int(counts[(int(number) - 1) % len(counts)]), 1e3 * float(seconds)))
    row = {}
    for label, what in (("cropsImages", "make"), ("cropsScores", "score")):
        candidates, values = np.array(found[label]).T
        row[f"{what}_ms_per_event"] = f"{np.median(values[candidates > 0]):.4f}"
        row[f"{what}_ms_per_image"] = f"{np.median(values[candidates > 0] / candidates[candidates > 0]):.4f}"
        row[f"{what}_ms_without_candidates"] = f"{np.median(values[candidates == 0]):.4f}"
    return row


def append(results: Path, row: dict[str, object]) -> None:
    """Add one row to the table."""
    new = not results.exists()
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    cli.run(record)
