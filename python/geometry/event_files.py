"""Hits and candidates of events as text files, from which C++ makes the same images without CMSSW.

The program makeImages reads them; the header data/programs/events.h says what their lines hold. Numbers are
written so that C++ reads the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from .candidates import Candidates
from .hits import BarrelHits, EndcapHits, TowerHits, Tracks

HEADER = "particlevit events 1"
Numbers = NDArray[np.generic]


class HitEvent(NamedTuple):
    """Hits, tracks and candidates of one event; what images do not need may be None."""

    candidates: Candidates
    crystals: list[NDArray[np.int64]] | None = None
    """(ieta, iphi) of the supercluster of each candidate, (crystals, 2); None: of jets."""
    barrel: BarrelHits | None = None
    endcap: EndcapHits | None = None
    towers: TowerHits | None = None
    tracks: Tracks | None = None


def write_events(path: Path, events: Iterable[HitEvent]) -> None:
    """Write a text file of events."""
    with path.open("w", encoding="ascii") as file:
        file.write(f"{HEADER}\n")
        for event in events:
            file.write("event\n")
            hits = {
                "barrel": event.barrel,
                "endcap": event.endcap,
                "tower": event.towers,
                "track": event.tracks,
            }
            for kind, values in hits.items():
                if values is not None:
                    _write_lines(file, kind, list(values))
            _write_candidates(file, event)


def _write_lines(file: TextIO, kind: str, columns: list[Numbers]) -> None:
    for numbers in zip(*(column.tolist() for column in columns), strict=True):
        file.write(f"{kind} {' '.join(map(repr, numbers))}\n")


def _write_candidates(file: TextIO, event: HitEvent) -> None:
    nothing = np.zeros((0, 2), np.int64)
    for number, directions in enumerate(zip(*(column.tolist() for column in event.candidates), strict=True)):
        crystals = nothing if event.crystals is None else event.crystals[number]
        numbers = [*directions, *crystals.ravel().tolist()]
        file.write(f"candidate {' '.join(map(repr, numbers))}\n")
