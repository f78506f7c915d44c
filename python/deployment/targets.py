"""What each CMSSW release can load: the one table that decides how a model is exported.

Exceeding a release's opset or IR version is a hard failure at load, even where no new operator is used.
"""

from __future__ import annotations

import logging
import re
from typing import NamedTuple

from ..errors import DeploymentError, suggest


class Target(NamedTuple):
    """The inference libraries of a CMSSW release cycle."""

    onnxruntime: str
    """Version of ONNX Runtime."""
    opset: int
    """Newest operator set that it loads, of those that torch's exporter writes."""
    ir_version: int
    """Newest version of the ONNX file format that it loads and that belongs to such an operator set."""
    torch: str | None = None
    """Version of libtorch, where the release has it."""


# Sources. 13_1 to 14_2: cmsdist's branches IB/CMSSW_*_X/master (onnxruntime.spec, pytorch.spec,
# cmssw-tool-conf.spec). From 15_0: its pull requests 9625 (onnxruntime 1.20.1), 10516 (1.25.1),
# 10615 (1.26.0, for 20_1) and 10659 (torch 2.12.1, tested for 20_1); torch 2.6.0 of 15_1 from a build
# recipe for that branch. Inferred from their neighbours, not read: torch of 15_0, 16_x, 17_0 and 20_0.
_1_10 = Target("1.10.0", 15, 8)
_1_14 = Target("1.14.1", 18, 8)
_1_17 = Target("1.17.1", 20, 9, "2.4.0")
_1_20 = Target("1.20.1", 21, 10, "2.6.0")
_1_25 = Target("1.25.1", 23, 12, "2.11.0")
TARGETS = {
    **dict.fromkeys(("CMSSW_12_4", "CMSSW_12_5", "CMSSW_12_6", "CMSSW_13_0"), _1_10),
    **dict.fromkeys(("CMSSW_13_1", "CMSSW_13_2", "CMSSW_13_3"), _1_14),
    "CMSSW_14_0": _1_14._replace(torch="2.1.1"),
    **dict.fromkeys(("CMSSW_14_1", "CMSSW_14_2"), _1_17),
    "CMSSW_15_0": _1_20._replace(torch="2.4.0"),
    **dict.fromkeys(("CMSSW_15_1", "CMSSW_16_0", "CMSSW_16_1"), _1_20),
    **dict.fromkeys(("CMSSW_17_0", "CMSSW_20_0"), _1_25),
    "CMSSW_20_1": Target("1.26.0", 23, 12, "2.12.1"),
}
DEFAULT_TARGET = "CMSSW_13_1"  # what it loads, every later release loads too
EXPORTER_OPSET = 18  # the oldest that torch's exporter writes correctly; older ones are converted from it
_NAME = re.compile(r"(?:CMSSW_)?(\d+)_(\d+)(?:_[\w-]+)?")
_log = logging.getLogger(__name__)


def find_target(name: str) -> Target:
    """Return the target of a release: of a cycle (`CMSSW_14_0`, `14_0`) or of one in it (`CMSSW_14_0_21`).

    A cycle newer than all known ones is taken for the newest known, and a note says so.

    >>> find_target("CMSSW_13_3_X").opset
    18

    Raises:
        DeploymentError: unknown target; the known ones are listed.
    """
    return TARGETS[find_cycle(name)]


def find_cycle(name: str) -> str:
    """Return the name in the table of a release's cycle; see `find_target`.

    >>> find_cycle("14_0_0")
    'CMSSW_14_0'
    """
    found = _NAME.fullmatch(name)
    cycle = f"CMSSW_{found[1]}_{found[2]}" if found else name
    if cycle in TARGETS:
        return cycle
    newest = max(TARGETS, key=_number)
    if found and _number(cycle) > _number(newest):
        _log.warning("note: %s is newer than this table; taken for %s, the newest known", name, newest)
        return newest
    raise DeploymentError(f"unknown target '{name}'; {suggest('', TARGETS)}")


def _number(cycle: str) -> tuple[int, ...]:
    return tuple(int(part) for part in cycle.split("_")[1:])
