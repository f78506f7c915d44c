"""What each CMSSW release can load: the one table that decides how a model is exported.

Exceeding a release's opset or IR version is a hard failure at load, even where no new operator is used.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import DeploymentError, suggest


class Target(NamedTuple):
    """The inference libraries of a CMSSW release cycle."""

    onnxruntime: str
    """Version of ONNX Runtime."""
    opset: int
    """Newest operator set that it loads."""
    ir_version: int
    """Newest version of the ONNX file format that it loads."""
    torch: str | None = None
    """Version of libtorch, where the release has it."""


TARGETS = {
    "CMSSW_12_4": Target("1.10.0", 15, 8),
    "CMSSW_13_0": Target("1.10.0", 15, 8),
    "CMSSW_13_3": Target("1.14.1", 18, 8),
    "CMSSW_14_0": Target("1.14.1", 18, 8, "2.1.1"),
    "CMSSW_14_1": Target("1.17.1", 20, 9, "2.4.0"),
    "CMSSW_14_2": Target("1.17.1", 20, 9, "2.4.0"),
    "CMSSW_15_0": Target("1.20.1", 21, 10, "2.4.0"),
    "CMSSW_16_0": Target("1.20.1", 21, 10, "2.6.0"),
    "CMSSW_16_1": Target("1.20.1", 21, 10, "2.6.0"),
    "CMSSW_17_0": Target("1.25.1", 23, 12),
}
DEFAULT_TARGET = "CMSSW_13_3"  # what it loads, every later release loads too
EXPORTER_OPSET = 18  # the oldest that torch's exporter writes correctly; older ones are converted from it


def find_target(name: str) -> Target:
    """Return the target of that name, also without its prefix (`14_0`).

    >>> find_target("14_0").opset
    18

    Raises:
        DeploymentError: unknown target; the known ones are listed.
    """
    full = name if name.startswith("CMSSW_") else f"CMSSW_{name}"
    if full not in TARGETS:
        raise DeploymentError(f"unknown target '{name}'; {suggest('', TARGETS)}")
    return TARGETS[full]
