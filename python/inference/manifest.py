"""model.json: what an export folder holds, and proof that its files are the ones that were written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from typing_extensions import Self

from ..artefacts import Artefact
from ..errors import DeploymentError
from ..store import ImageSpec
from .metrics import Metrics

INPUT = "image"
OUTPUT = "probabilities"
STD = "std"
SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "onnx_int8": "_int8.onnx"}
FILES = {kind: f"model{suffix}" for kind, suffix in SUFFIXES.items()}
"""Kind of export -> name of its file."""
_VERSIONS = ("particlevit", "torch", "onnx", "onnxscript", "onnxruntime", "vit-pytorch")


@dataclass(frozen=True)
class ExportedFile:
    """A file beside model.json."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class OnnxFile(ExportedFile):
    """A float32 ONNX file."""

    opset: int
    ir_version: int
    nodes: int
    rewritten: dict[str, int] = field(default_factory=dict)
    """Rewriting -> places that it changed."""
    operators: dict[str, int] = field(default_factory=dict)
    """Operator -> how often it occurs."""


@dataclass(frozen=True)
class TorchScriptFile(ExportedFile):
    """A TorchScript file."""

    torch: str
    """Version that wrote it."""


@dataclass(frozen=True)
class Int8Candidate:
    """One way to quantise, and what was measured of it."""

    method: str
    float_layers: tuple[str, ...]
    auc_difference: float
    bytes: int
    speedup: dict[str, float]
    """Batch size -> how many times faster than float32."""
    latency_ms: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Int8File(ExportedFile):
    """A quantised ONNX file, and how it was chosen."""

    opset: int
    ir_version: int
    method: str
    float_layers: tuple[str, ...]
    candidates: tuple[Int8Candidate, ...]


@dataclass(frozen=True)
class Manifest(Artefact):
    """The content of model.json."""

    FORMAT_VERSION = 2
    REMEDY = "write it with scripts/export.py --run {run}"
    ERROR = DeploymentError

    name: str
    """Name of the model in the registry."""
    image: ImageSpec
    """The images that it takes."""
    classes: tuple[str, ...]
    input: str = INPUT
    output: str = OUTPUT
    std: str = ""
    """Second output of the ONNX file, the standard deviation over an ensemble's members; empty: none."""
    licence: str = ""
    """SPDX name; empty where nobody said one."""
    target: str = ""
    """Oldest CMSSW release that loads the ONNX file."""
    working_points: dict[str, dict[str, float]] = field(default_factory=dict)
    """Class -> background efficiency -> threshold; empty where the run was not evaluated."""
    metrics: Metrics | None = None
    recipe: dict[str, Any] | None = None
    """What of the recipe reads files (name, classes, inputs, image), so that an export alone scores them."""
    versions: dict[str, str] = field(default_factory=dict)
    """Packages that made the export."""
    onnx: OnnxFile | None = None
    torchscript: TorchScriptFile | None = None
    onnx_int8: Int8File | None = None

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """See `Artefact.from_json`."""
        if isinstance(content, dict) and content.get("format_version", 1) == 1:
            raise ValueError(
                "format version 1, of images whose seed cell and tier are not described, expected 2: ingest "
                "the inputs, train and export again"
            )
        return super().from_json(content)

    def exported(self, kind: str) -> ExportedFile | None:
        """Return the entry of onnx, torchscript or onnx_int8; None where it was not exported."""
        entry: ExportedFile | None = getattr(self, kind)
        return entry


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def file_entry(path: Path) -> dict[str, Any]:
    """Return name, checksum and size of a file, the fields of an `ExportedFile`."""
    return {"file": path.name, "sha256": sha256(path), "bytes": path.stat().st_size}


def verified_file(description: Path, manifest: Manifest, kind: str) -> Path:
    """Return the path of an exported file whose checksum is the one in its description.

    Args:
        description: model.json, or NAME.json beside files that have that name, too.
        manifest: its content.
        kind: onnx, torchscript or onnx_int8.

    Raises:
        DeploymentError: the file is not part of the export, is missing, or is not the one that was written.
    """
    entry = manifest.exported(kind)
    if entry is None:
        raise DeploymentError(f"{description}: has no {kind} export; export the run again with it")
    path = description.with_name(description.stem + SUFFIXES[kind])
    if not path.is_file():
        raise DeploymentError(f"{path}: missing, though {description.name} names it; export the run again")
    found = sha256(path)
    if found != entry.sha256:
        raise DeploymentError(
            f"{path}: checksum {found[:12]}... differs from {entry.sha256[:12]}... in {description.name}; "
            "the file was damaged or exchanged, export the run again"
        )
    return path


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that make and run exports."""
    installed = {name: _version(name) for name in _VERSIONS}
    return {name: found for name, found in installed.items() if found is not None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # in CMSSW this package is not a distribution
        return None
