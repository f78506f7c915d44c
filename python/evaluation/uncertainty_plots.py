"""Figures of `uncertainty`."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..report.figure import COLORS, figure, legend

if TYPE_CHECKING:
    from .distance import Floats
    from .uncertainty import Uncertainty


def draw_distances(path: Path, found: Uncertainty, usual: Floats, tested: Floats) -> Path:
    """Draw the distances of validation and test events, and the threshold."""
    high = 3 * max(float(np.quantile(usual, 0.999)), found.threshold)
    edges = np.geomspace(max(1e-3, float(usual.min()) / 2), high, 40)
    with figure(path, f"{found.false_alarms.events:,} test events") as axes:
        axes.stairs(np.histogram(usual, edges)[0] / len(usual), edges, fill=True, alpha=0.5, color=COLORS[0],
                    label="validation")  # fmt: skip
        axes.stairs(np.histogram(tested, edges)[0] / len(tested), edges, color=COLORS[1], label="test", lw=2)
        axes.axvline(found.threshold, color="black", ls="--", label=f"{found.asked:.1%} of validation above")
        axes.set(xlabel="Squared distance from the nearest class", ylabel="Fraction of events", xscale="log")
        axes.set(xlim=(edges[0], edges[-1]))
        legend(axes, "upper left")
    return path


def draw_flagged(path: Path, found: Uncertainty) -> Path:
    """Draw the flagged fraction of each disturbance where it is largest, and of other stores."""
    bars = {"undisturbed": found.false_alarms}
    for kind, rates in found.disturbed.items():
        strength = max(rates, key=lambda one: rates[one].value)
        bars[f"{kind.replace('_', ' ')} {strength}"] = rates[strength]
    bars |= found.others
    with figure(path, f"{found.false_alarms.events:,} test events") as axes:
        values, errors = [one.value for one in bars.values()], [one.error for one in bars.values()]
        axes.barh(list(bars), values, xerr=errors, color=COLORS[0], alpha=0.7)
        axes.axvline(found.asked, color="black", ls="--", label="asked for")
        axes.tick_params(axis="y", labelsize=14, which="both", length=0)
        axes.invert_yaxis()
        axes.set(xlabel="Flagged fraction", xlim=(0, 1))
        axes.legend(loc="lower right", fontsize=14)
    return path


def draw_spread(path: Path, found: Uncertainty) -> Path:
    """Draw how often an ensemble is wrong against the spread of its members."""
    with figure(path, f"{found.members} members") as axes:
        errors = [sqrt(one.wrong * (1 - one.wrong) / one.events) for one in found.bins]
        axes.errorbar([one.std for one in found.bins], [one.wrong for one in found.bins], errors, fmt="o",
                      color=COLORS[0], markersize=8, capsize=4)  # fmt: skip
        axes.set(xlabel="Standard deviation over the members", ylabel="Fraction of wrong decisions")
        axes.set(xlim=(0, None), ylim=(0, None))
    return path
