"""Why a candidate has no score; the numbers are those of the producers in CMSSW."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What became of a candidate, in the order in which it is checked."""

    SCORED = 0
    PT = 1
    ETA = 2
    NO_SEED = 3
    SEED_ROW = 4
    WINDOW = 5
    NOT_FINITE = 6


MEANING = {
    Status.SCORED: "scored",
    Status.PT: "pt outside of the model's domain",
    Status.ETA: "|eta| outside of the model's domain",
    Status.NO_SEED: "nothing to draw",
    Status.SEED_ROW: "seed row outside of the model's domain",
    Status.WINDOW: "the window leaves the detector",
    Status.NOT_FINITE: "a value that is not finite, or negative where that cannot be",
}
"""Each status in words."""
