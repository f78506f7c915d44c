"""Turn input files into a store of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..recipe import load_recipe
from . import cli


def ingest(
    recipe: str,
    output: Path,
    inputs: str | None = None,
    test_inputs: str | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    on_error: str = "stop",
    overrides: dict[str, Any] | None = None,
) -> None:
    """Turn ROOT, Parquet or HDF5 files into a shuffled store of images, split by a hash of each event.

    The same command continues after an interruption.

    Args:
        recipe: Name of a built-in recipe, or a YAML file.
        output: Folder of the store.
        inputs: Files, as a quoted glob pattern or several with commas between; split by hash.
        test_inputs: Files that make the test split; inputs then give training and validation only.
        workers: Processes that read and render.
        scheduler: Address of a Dask scheduler, whose workers are used instead.
        on_error: What a file that cannot be used does: stop the ingest, or skip the file.
        overrides: Keys of the recipe.
    """
    loaded = load_recipe(recipe, overrides)
    from ..ingest import ingest_files

    result = ingest_files(loaded, output, inputs, test_inputs, workers, scheduler, on_error)
    cli.say(result.summary())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(ingest, sections=("inputs", "image", "split"), arguments=arguments)
