"""A `cms-data` repository with a run's exports: where models live that are too large for the package itself.

DIR is a clone of cms-data/RecoE2E-ParticleViT. A release shows its content as RecoE2E/ParticleViT/data, so
that `RecoE2E/ParticleViT/data/models/NAME.onnx` finds the model, and NAME.json beside it the description.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import DeploymentError
from ..files import atomic_path, make_folder, sha256
from ..inference.manifest import Manifest, verified_file
from ..inference.run import Run, as_run
from ..inference.triton import is_model_name
from .targets import TARGETS

MODELS = "models"
CHECKSUMS = "SHA256SUMS"
KINDS = ("onnx", "torchscript", "onnx_int8")
SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "onnx_int8": "_int8.onnx"}


def write_cms_data(run: Run | Path, folder: Path, name: str | None = None) -> list[Path]:
    """Write a run's exports, description and card to FOLDER/models, and the checksums of all its files.

    Args:
        run: run folder with an export.
        folder: clone of the repository, or an empty folder; other models in it stay.
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
    sources = {verified_file(run.export, manifest, kind): f"{name}{SUFFIXES[kind]}" for kind in kinds}
    sources[run.manifest_file] = f"{name}.json"
    models = folder / MODELS
    make_folder(models)
    written = []
    for source, target in sources.items():
        with atomic_path(models / target) as partial:
            shutil.copyfile(source, partial)
        written.append(models / target)
    with atomic_path(models / f"{name}.md") as partial:
        partial.write_text(card(manifest, name), encoding="utf-8")
    with atomic_path(folder / CHECKSUMS) as partial:
        partial.write_text(checksums(folder), encoding="utf-8")
    return [*written, models / f"{name}.md", folder / CHECKSUMS]


def checksums(folder: Path) -> str:
    """Return a line for each file under FOLDER/models, as `sha256sum -c` reads them."""
    files = sorted(path for path in (folder / MODELS).rglob("*") if path.is_file())
    return "".join(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)


def card(manifest: Manifest, name: str) -> str:
    """Return what a user must know of a model before he trusts its scores, in Markdown."""
    image = manifest.image
    channels = ", ".join(f"{channel.name} ({channel.unit})" for channel in image.channels)
    onnx = manifest.onnx
    proof = manifest.metrics.best_proof if manifest.metrics else None
    rows = {
        "network": f"`{manifest.name}`",
        "classes": ", ".join(manifest.classes),
        "images": f"{image.height} x {image.width}, {channels}, seed cell [{image.seed[0]}, {image.seed[1]}]",
        "hits": f"tier {image.tier}",
        "AUC": f"{proof.auc:.4f} ± {proof.auc_error:.4f} on {proof.events} events" if proof else "unknown",
        "loads in": f"{manifest.target} and later ({_library(manifest.target)})",
        "ONNX": f"opset {onnx.opset}, IR {onnx.ir_version}: {', '.join(sorted(onnx.operators))}"
        if onnx
        else "-",
    }
    points = [
        f"| {label}, background efficiency {float(efficiency):g} | {threshold:.4f} |"
        for label, thresholds in manifest.working_points.items()
        for efficiency, threshold in thresholds.items()
    ]
    lines = [f"# {name}", "", "| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())]
    if points:
        lines += ["", "Working points:", "", "| | least score |", "|---|---|", *points]
    return "\n".join(lines) + "\n"


def _library(target: str) -> str:
    return f"onnxruntime {TARGETS[target].onnxruntime}" if target in TARGETS else "unknown"
