"""A `cms-data` repository with a run's exports: where models live that are too large for the package itself.

DIR is a clone of cms-data/RecoE2E-ParticleViT. A release shows its content as RecoE2E/ParticleViT/data, so
that `RecoE2E/ParticleViT/data/models/NAME.onnx` finds the model, and NAME.json beside it the description.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import DeploymentError
from ..files import atomic_path, make_folder, sha256
from ..inference.manifest import SUFFIXES, verified_file
from ..inference.run import Run, as_run
from ..inference.triton import is_model_name

MODELS = "models"
CHECKSUMS = "SHA256SUMS"
KINDS = ("onnx", "torchscript", "onnx_int8")


def write_cms_data(run: Run | Path, folder: Path, card: str, name: str | None = None) -> list[Path]:
    """Write a run's exports, description and card to FOLDER/models, and the checksums of all its files.

    Args:
        run: run folder with an export.
        folder: clone of the repository, or an empty folder; other models in it stay.
        card: what a user must know of the model, in Markdown.
        name: of the model; None: the run folder's name.

    Returns:
        The files that were written.

    Raises:
        DeploymentError: no export, one that cannot be trusted, or a name that is none.
        OutputError: they cannot be written.
    """
    run = as_run(run)
    manifest = run.manifest
    name = run.name if name is None else name
    if not is_model_name(name):
        raise DeploymentError(f"'{name}' is no name for a model; expected letters, digits, _, - and .")
    kinds = [kind for kind in KINDS if manifest.exported(kind) is not None]
    sources = {verified_file(run.manifest_file, manifest, kind): f"{name}{SUFFIXES[kind]}" for kind in kinds}
    sources[run.manifest_file] = f"{name}.json"
    models = folder / MODELS
    make_folder(models)
    written = []
    for source, target in sources.items():
        with atomic_path(models / target) as partial:
            shutil.copyfile(source, partial)
        written.append(models / target)
    with atomic_path(models / f"{name}.md") as partial:
        partial.write_text(card, encoding="utf-8")
    with atomic_path(folder / CHECKSUMS) as partial:
        partial.write_text(checksums(folder), encoding="utf-8")
    return [*written, models / f"{name}.md", folder / CHECKSUMS]


def checksums(folder: Path) -> str:
    """Return a line for each file under FOLDER/models, as `sha256sum -c` reads them."""
    files = sorted(path for path in (folder / MODELS).rglob("*") if path.is_file())
    return "".join(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
