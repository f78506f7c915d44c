"""Score files with a trained run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import RecipeError
from . import cli


def predict(
    run: Path,
    files: Sequence[str],
    output: str,
    recipe: str | None = None,
    backend: Literal["eager", "torchscript", "onnx", "onnx_int8"] | None = None,
    format: Literal["root", "parquet", "hdf5"] = "root",  # noqa: A002
    name: str = "particlevit",
    workers: int = 1,
    threads: int = 0,
    scheduler: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    std: bool = False,
    overrides: dict[str, Any] | None = None,
) -> None:
    """Score every candidate of files with a trained run; labels are not needed.

    For each file, a file of scores is written with the same entries in the same order: a ROOT tree to be used
    as a friend, Parquet or HDF5. The columns are NAME_CLASS, a probability or -1, and NAME_status: 0 scored,
    1 pt or 2 |eta| outside of the model's domain, 3 nothing to draw, 4 seed row outside of the domain, 5 the
    window leaves the detector, 6 not finite. Where an entry has several candidates, they are lists. The same
    command continues after an interruption.

    Args:
        run: Run folder, a folder with model.json and the exported file, or NAME.json beside NAME.onnx.
        files: Names, quoted glob patterns or addresses (root://, http://).
        output: Folder, or for a single input a file; a path or root://.
        recipe: Recipe that says what these files hold; by default that of the run.
        backend: What runs the model: eager the checkpoint, the others an export, onnx without PyTorch. By
            default eager where there is a checkpoint, else onnx.
        format: Format of the files in a folder.
        name: Name of the tree, with which the names of the columns begin.
        workers: Processes that read and score.
        threads: Threads of the backend in each process; 0 means one per core.
        scheduler: Address of a Dask scheduler, whose workers are used instead.
        on_error: What happens at a file that cannot be used: stop, or skip the file.
        std: Of an ensemble: write NAME_CLASS_std, too, the standard deviation over its members.
        overrides: Keys of the recipe.
    """
    from ..inference.prediction import predict_files
    from ..inference.prediction_units import ModelChoice
    from ..inference.run import Run
    from ..inference.run_recipe import run_recipe

    if threads < 0:
        raise RecipeError(f"--threads is {threads}; give 0 or more")
    found = Run(run)
    study = run_recipe(found, recipe, overrides)
    backend = backend or ("eager" if found.best_checkpoint.is_file() else "onnx")
    model = ModelChoice(str(run), backend, threads, std=std)
    result = predict_files(study, model, files, output, format, name, workers, scheduler, on_error)
    cli.say(result.summary())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(predict, ("inputs",), arguments)
