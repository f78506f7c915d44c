"""Look at files or a store before training: one HTML report and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import cli


def explore(
    output: Path,
    recipe: str | None = None,
    files: Sequence[str] = (),
    store: Path | None = None,
    limit: int = 0,
    monitor: str | None = None,
    run: Path | None = None,
    label: str = "ParticleViT",
    pdf: bool = False,
    overrides: dict[str, Any] | None = None,
) -> None:
    """Explore input files (--files with --recipe) or a store (--store).

    Writes explore.html and its figures: files and rates, class balance, bad values, occupancy, spectra, mean
    images, shapes per class, balance of pt and eta, duplicates, and leakage between splits.

    With --monitor, drift.html instead: what ParticleViTMonitor saw in a job beside the training events of
    --store, with a two-sample test per histogram, and with --run the scores, too.

    Args:
        output: Folder of the report.
        recipe: Name of a built-in recipe, or a YAML file; with --store it may be left out.
        files: Names, quoted glob patterns or addresses (root://, http://).
        store: Folder of images that scripts/ingest.py wrote.
        limit: Most events of each file, or of each split of a store; 0 for all.
        monitor: File of ParticleViTMonitor, or FILE:LABEL/TIER for one of several modules in it.
        run: Run folder, or folder of exported files, of the model that scored in the monitored job.
        label: Text above the figures on the left, such as CMS Simulation.
        pdf: Write a PDF beside the PNG of each figure.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..report.figure import figure_style

    if limit < 0:
        raise InputError(f"--limit is {limit}, expected 0 or more")
    if monitor is None and run is not None:
        raise InputError("--run needs --monitor, the file of the job whose model it is")
    if monitor is not None:
        with figure_style(label, pdf):
            cli.say(_explore_monitor(monitor, store, output, run, limit))
        return
    if bool(files) == (store is not None):
        found = "both" if store else "neither"
        raise InputError(f"found {found} of --files and --store; give one of them")
    if files and recipe is None:
        raise InputError("--files needs --recipe, which says what the files hold")
    from .. import exploration
    from ..recipe import load_recipe

    study = load_recipe(recipe, overrides) if recipe is not None else None
    with figure_style(label, pdf):
        if store is not None:
            cli.say(exploration.explore_store(store, output, study, limit))
        elif study is not None:
            cli.say(exploration.explore_files(study, files, output, limit))


def _explore_monitor(monitor: str, store: Path | None, output: Path, run: Path | None, limit: int) -> str:
    from ..exploration import explore_monitor
    from ..inference.backends import load_run

    if store is None:
        raise InputError("--monitor needs --store, the training sample to compare with")
    score = None if run is None else load_run(run, "onnx", threads=1).predict
    return explore_monitor(monitor, store, output, score, limit)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(explore, ("inputs", "image"), arguments)
