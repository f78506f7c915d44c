"""Turn input files into a store of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..recipe import load_recipe
from . import cli


def ingest(
    recipe: str,
    output: Path,
    files: Sequence[str] = (),
    test_files: Sequence[str] = (),
    workers: int = 1,
    scheduler: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    overrides: dict[str, Any] | None = None,
) -> None:
    """Turn ROOT, Parquet or HDF5 files into a shuffled store of images, split by a hash of each event.

    The same command continues after an interruption.

    Args:
        recipe: Name of a built-in recipe, or a YAML file.
        output: Folder of the store.
        files: Names, quoted glob patterns or addresses (root://, http://); split by a hash of each event.
        test_files: Files that make the test split; the others then give training and validation only.
        workers: Processes that read and render.
        scheduler: Address of a Dask scheduler, whose workers are used instead.
        on_error: What happens at a file that cannot be used: stop, or skip the file.
        overrides: Keys of the recipe.
    """
    from ..ingest import ingest_files
    from .checks import check_study

    study = load_recipe(recipe, overrides)
    check_study(study, here=False)
    result = ingest_files(study, output, files, test_files, workers, scheduler, on_error)
    cli.say(result.summary())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(ingest, ("inputs", "image", "split"), arguments)
