"""Prove that the exports of a run give the answers of the trained network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import cli

if TYPE_CHECKING:
    from ..inference.run import Run


def validate(
    run: Path,
    store: Path | None = None,
    limit: int = 0,
    triton: str | None = None,
    timeout: float = 30,
    cmssw: Path | None = None,
    spread: bool = False,
) -> None:
    """Compare the exports of a run with its checkpoint on the test split: AUC, scores, latency.

    Exit code 1 where one of them is beyond the tolerances.

    Args:
        run: Run folder with an export; RUN/validation.json and report.html are written, or
            RUN/validations/STORE-ID-limit-N.json for another store or with --limit.
        store: Store whose test split is scored; by default the one of the training.
        limit: Most events to score; 0 means all.
        triton: Address of a Triton server that runs the model, HOST:PORT or http://HOST:PORT/MODEL; MODEL is
            by default the name of the run folder.
        timeout: Seconds that the server may take to answer.
        cmssw: CMSSW area whose cmsRun scores too, in the environment of its release; by default the cmsRun on
            PATH, if there is one.
        spread: Score also with the onnxruntime of each CMSSW release, in environments that are made for it
            ($PARTICLEVIT_RELEASES), and with kernels limited to AVX2 where this machine has a way; write
            RUN/spread.json.
    """
    from ..deployment.validate import PROVEN, table, validate_run
    from ..inference.run import Run
    from .run_page import write_report

    trained = Run(run)
    served = () if triton is None else (triton if "://" in triton else f"http://{triton}",)
    content = validate_run(trained, store, limit, (*PROVEN, *served), timeout, cmssw)
    cli.say(table(content))
    if spread:
        _measure_spread(trained, store, limit)
    write_report(trained)
    if not content.passed:
        raise SystemExit(1)


def _measure_spread(run: Run, store: Path | None, limit: int) -> None:
    from ..deployment import spread
    from ..files import write_json

    measured = spread.spread_of_run(run, store, limit, spread.default_environments())
    cli.say(spread.table(measured))
    write_json(run.path / "spread.json", spread.to_json(measured))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(validate, arguments=arguments)
