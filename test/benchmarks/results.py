"""Rows of test/benchmarks/results/*.csv: each says with what command, commit and machine it was measured."""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def add_rows(table: Path, rows: Sequence[Mapping[str, Any]], repetitions: int) -> None:
    """Add rows to a CSV file, which is begun where it is not there.

    Args:
        table: CSV file.
        rows: what was measured, all with the same keys.
        repetitions: of each measurement.
    """
    about = {"repetitions": repetitions, **provenance()}
    table.parent.mkdir(parents=True, exist_ok=True)
    begin = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *about], lineterminator="\n")
        if begin:
            writer.writeheader()
        writer.writerows({**row, **about} for row in rows)


def provenance() -> dict[str, str]:
    """Return the command of this process with paths cut to names, commit, machine and date."""
    words = [Path(sys.argv[0]).resolve().relative_to(ROOT).as_posix(), *map(_short, sys.argv[1:])]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    load = os.getloadavg()[0]
    return {
        "command": shlex.join(words),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{_processor()}, {os.cpu_count()} cores, load {load:.1f}",
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }


def _short(word: str) -> str:
    return Path(word).name if word.startswith("/") else word


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
