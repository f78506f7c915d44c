#!/usr/bin/env python3
"""Append what `particlevit uncertainty` found to a table.

    test/benchmarks/uncertainty.py --found FOLDER --results test/benchmarks/results/uncertainty.csv

FOLDER is the output of `particlevit uncertainty --run RUN --output FOLDER`.
"""

from __future__ import annotations

from pathlib import Path

from results import add_rows

from RecoE2E.ParticleViT.commands import cli


def record(found: Path, results: Path) -> None:
    """Append the flagged fractions and the coverage.

    Args:
        found: Folder with uncertainty.json.
        results: CSV file.
    """
    from RecoE2E.ParticleViT.evaluation.uncertainty import Uncertainty

    content = Uncertainty.read(found / "uncertainty.json", found)
    rates = [("undisturbed", "", content.false_alarms)]
    rates += [(kind, key, one) for kind, some in content.disturbed.items() for key, one in some.items()]
    rates += [("store", name, one) for name, one in content.others.items()]
    about = {"run": content.run, "members": content.members}
    rows = [
        {**about, "what": f"flagged, {kind}", "at": key, "found": f"{one.value:.4f}",
         "error": f"{one.error:.4f}", "expected": content.asked if kind == "undisturbed" else ""}
        for kind, key, one in rates
    ]  # fmt: skip
    rows += [
        {**about, "what": "held-out member within std", "at": one.sigmas, "found": f"{one.found:.4f}",
         "error": "", "expected": f"{one.expected:.4f}"}
        for one in content.coverage
    ]  # fmt: skip
    rows += [
        {**about, "what": "wrong decisions at std", "at": f"{one.std:.4f}", "found": f"{one.wrong:.4f}",
         "error": f"{(one.wrong * (1 - one.wrong) / one.events) ** 0.5:.4f}", "expected": ""}
        for one in content.bins
    ]  # fmt: skip
    add_rows(results, rows, 1)
    cli.say(f"{results}: {len(rows)} new rows")


if __name__ == "__main__":
    cli.run(record)
