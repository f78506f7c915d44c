"""model.json: what an export folder holds, and proof that its files are the ones that were written."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DeploymentError, RunError

if TYPE_CHECKING:
    from .run import Model

FORMAT_VERSION = 1
MANIFEST = "model.json"
FILES = {"onnx": "model.onnx", "torchscript": "model.pt", "onnx_int8": "model_int8.onnx"}
INPUT = "image"
OUTPUT = "probabilities"
_VERSIONS = ("particlevit", "torch", "onnx", "onnxscript", "onnxruntime", "vit-pytorch")
_REQUIRED = ("format_version", "name", "image", "classes", "input", "output")


def export_folder(run: Path) -> Path:
    """Return the folder that holds model.json: of a run, or `run` itself where only the export was copied."""
    return run if (run / MANIFEST).is_file() else run / "export"


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def read_manifest(run: Path) -> dict[str, Any]:
    """Return the content of a run's model.json.

    Raises:
        DeploymentError: no export, a damaged model.json, or one of a later format.
    """
    path = export_folder(run) / MANIFEST
    if not path.is_file():
        raise DeploymentError(f"{path}: not found; write it with scripts/export.py --run {run}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in _REQUIRED if key not in content]
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise DeploymentError(f"{path}: not readable as JSON ({reason}); export the run again") from error
    if missing:
        raise DeploymentError(f"{path}: lacks {', '.join(missing)}; export the run again")
    if content["format_version"] != FORMAT_VERSION:
        raise DeploymentError(
            f"{path}: format {content['format_version']}, expected {FORMAT_VERSION}; export the run again"
        )
    return dict(content)


def verified_file(run: Path, manifest: dict[str, Any], kind: str) -> Path:
    """Return the path of an exported file whose checksum is the one in model.json.

    Args:
        run: run folder.
        manifest: content of model.json.
        kind: onnx, torchscript or onnx_int8.

    Raises:
        DeploymentError: the file is not part of the export, is missing, or is not the one that was written.
    """
    folder = export_folder(run)
    entry = manifest.get(kind)
    if not isinstance(entry, dict) or "file" not in entry or "sha256" not in entry:
        raise DeploymentError(f"{folder / MANIFEST}: has no {kind} export; export the run again with it")
    path = folder / Path(str(entry["file"])).name
    if not path.is_file():
        raise DeploymentError(f"{path}: missing, though {MANIFEST} names it; export the run again")
    found = sha256(path)
    if found != entry["sha256"]:
        raise DeploymentError(
            f"{path}: checksum {found[:12]}... differs from {str(entry['sha256'])[:12]}... in {MANIFEST}; "
            "the file was damaged or exchanged, export the run again"
        )
    return path


def describe(network: Model, run: Path) -> dict[str, Any]:
    """Return the part of model.json that does not depend on the files."""
    metrics = _metrics(run)
    points = metrics.pop("working_points", {})
    return {
        "format_version": FORMAT_VERSION,
        "name": network.name,
        "image": network.image.to_dict(),
        "classes": list(network.classes),
        "input": INPUT,
        "output": OUTPUT,
        "working_points": points,
        "metrics": metrics,
        "versions": installed_versions(),
    }


def _metrics(run: Path) -> dict[str, Any]:
    """Return RUN/metrics.json where the run was evaluated before, else nothing."""
    path = run / "metrics.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except ValueError as error:
        raise RunError(
            f"{path}: not readable as JSON; write it again with scripts/evaluate.py --run {run}"
        ) from error


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that make and run exports."""
    installed = {name: _version(name) for name in _VERSIONS}
    return {name: found for name, found in installed.items() if found is not None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # in CMSSW this package is not a distribution
        return None
