"""Events of event-display files as the text files that test/cpp/events.h describes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from RecoE2E.ParticleViT.geometry.candidates import Candidates
from RecoE2E.ParticleViT.geometry.hits import BarrelHits, EndcapHits, TowerHits, Tracks
from RecoE2E.ParticleViT.ingest.sources import ispy_objects
from RecoE2E.ParticleViT.ingest.sources.ispy_file import IspyEvent, IspyFile, UnreadableEventError


class HitEvent(NamedTuple):
    """What an event holds; its photons, electrons and jets are all candidates."""

    barrel: BarrelHits
    endcap: EndcapHits
    endcap_ids: np.ndarray  # (N, 3) ix, iy, side
    endcap_times: np.ndarray  # (N,) ns
    towers: TowerHits
    tracks: Tracks
    candidates: Candidates
    crystals: list[np.ndarray]  # of each candidate, (ieta, iphi) of its supercluster, (M, 2)


def read_events(paths: Iterable[Path]) -> Iterator[HitEvent]:
    """Yield the readable events of event-display files."""
    for path in paths:
        file = IspyFile(str(path))
        for number in range(len(file.names)):
            with contextlib.suppress(UnreadableEventError):
                yield convert(file.read(number))


def convert(event: IspyEvent) -> HitEvent:
    """Return the content of an event-display event; candidates get float32 numbers, as in CMSSW."""
    clusters = ispy_objects.superclusters(event)
    egammas = [ispy_objects.photons(event, clusters), ispy_objects.electrons(event, clusters)]
    jets = Candidates(*(event.column("PFJets", names) for names in ("pt|et", "eta", "phi")))
    values = (
        np.concatenate([*(getattr(objects, name) for objects in egammas), getattr(jets, name)])
        for name in Candidates._fields
    )
    crystals = [clusters.crystals[number] for objects in egammas for number in objects.supercluster]
    crystals += [np.zeros((0, 2), np.int64)] * len(jets.pt)
    ids = event.column("EERecHits", "detid")
    return HitEvent(
        ispy_objects.barrel_hits(event),
        ispy_objects.endcap_hits(event),
        np.stack([(ids >> 7) & 0x7F, ids & 0x7F, np.where(ids & 0x4000, 1, -1)], axis=1),
        event.column("EERecHits", "time").astype(np.float32),
        ispy_objects.tower_hits(event),
        ispy_objects.tracks(event),
        Candidates(*(value.astype(np.float32).astype(np.float64) for value in values)),
        crystals,
    )


def write_events(path: Path, events: Iterable[HitEvent]) -> None:
    """Write events to a text file."""
    with path.open("w", encoding="ascii") as file:
        file.write("particlevit events 1\n")
        for number, event in enumerate(events, 1):
            file.write(f"event 1 {number}\n")
            for line in lines_of(event):
                file.write(" ".join(text_of(word) for word in line) + "\n")


def lines_of(event: HitEvent) -> Iterator[tuple[object, ...]]:
    """Yield the words of each line of an event."""
    yield from (("barrel", *hit) for hit in zip(*event.barrel, strict=True))
    endcap = zip(event.endcap_ids.tolist(), zip(*event.endcap, strict=True), event.endcap_times, strict=True)
    yield from (("endcap", *crystal, *hit, time) for crystal, hit, time in endcap)
    yield from (("tower", *hit) for hit in zip(*event.towers, strict=True))
    yield from (("track", *track) for track in zip(*event.tracks, strict=True))
    for numbers, crystals in zip(zip(*event.candidates, strict=True), event.crystals, strict=True):
        yield ("candidate", *numbers, *np.ravel(crystals).tolist())


def text_of(word: object) -> str:
    """Return a word of a line; numbers keep all of their digits."""
    return word if isinstance(word, str) else str(np.asarray(word)[()])
