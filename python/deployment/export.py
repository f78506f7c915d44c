"""Write a run's network as TorchScript and ONNX, with model.json beside them: all of it or nothing."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..auc import check_classes
from ..errors import DeploymentError, RunError
from ..files import whole_folder
from ..inference.manifest import FILES, STD, Int8File, Manifest, OnnxFile, TorchScriptFile, file_entry
from ..inference.run import Run, as_run
from .graph import operators, to_onnx, trace
from .targets import DEFAULT_TARGET, TARGETS, Target, find_cycle

if TYPE_CHECKING:
    from torch import nn

    from ..inference.run import Model
    from .quantise import Sample

MANIFEST = "model.json"
CALIBRATION_EVENTS = 512
JUDGE_EVENTS = 4000
MAX_BYTES = 400_000_000  # of images in memory


def export_run(
    run: Run | Path,
    target: str = DEFAULT_TARGET,
    int8: bool = False,
    store: Path | None = None,
    licence: str = "",
    std: bool = False,
) -> Manifest:
    """Export the best checkpoint of a run to RUN/export and return the content of model.json.

    Args:
        run: an evaluated run: its working points go with the model.
        target: oldest CMSSW release that has to load the ONNX file.
        int8: write a quantised ONNX file too.
        store: store whose training split calibrates it; None: the one of the training.
        licence: of the model, an SPDX name.
        std: give the ONNX file a second output: the standard deviation over the members of an ensemble.

    Raises:
        RunError: the run has no checkpoint, or was not evaluated.
        DeploymentError: unknown target, one that cannot express this model, or no int8 that keeps the AUC.
        StoreError: no store to calibrate with.
        ModelError: `std` of what is no ensemble.
    """
    from ..models.ensemble import WithStd

    if std and int8:
        raise DeploymentError("int8 exports have no std; leave out one of --std and --int8")
    run = as_run(run)
    target = find_cycle(target)
    limits = TARGETS[target]
    network = run.network
    if not run.metrics_file.is_file():
        raise RunError(
            f"{run.path}: was not evaluated, so there are no working points to export; "
            f"run scripts/evaluate.py --run {run.path} first"
        )
    twofold = WithStd(network).eval() if std else None
    sample = calibration_sample(run, store) if int8 else None
    with whole_folder(run.path / "export") as folder:
        content = dataclasses.replace(run.description, target=target, licence=licence, std=STD if std else "")
        onnx = write_onnx(twofold or network, folder / FILES["onnx"], limits, content)
        script = write_torchscript(network, folder / FILES["torchscript"], content)
        small = write_int8(folder, sample, onnx) if sample is not None else None
        content = dataclasses.replace(content, onnx=onnx, torchscript=script, onnx_int8=small)
        content.write(folder / MANIFEST)
    return content


def essentials(content: Manifest) -> dict[str, Any]:
    """Return what the exported files say about themselves, should they be parted from model.json."""
    plain = content.to_json()
    return {key: plain[key] for key in ("format_version", "name", "image", "classes")}


def write_onnx(network: nn.Module, path: Path, limits: Target, content: Manifest) -> OnnxFile:
    """Write the ONNX file and return its entry of model.json."""
    metadata = {f"particlevit.{key}": json.dumps(value) for key, value in essentials(content).items()}
    outputs = [name for name in (content.output, content.std) if name]
    model, rewritten = to_onnx(network, content.image.shape, limits, content.target, metadata, outputs)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return OnnxFile(
        **file_entry(path),
        opset=next(entry.version for entry in model.opset_import if entry.domain == ""),
        ir_version=model.ir_version,
        nodes=len(model.graph.node),
        rewritten=rewritten,
        operators=operators(model),
    )


def calibration_sample(run: Run, store: Path | None) -> Sample:
    """Return the events that calibrate and judge an int8 export: training and validation split."""
    from .quantise import Sample

    events = run.events(store)
    most = max(64, min(JUDGE_EVENTS, MAX_BYTES // (4 * math.prod(events.store.image.shape))))
    judge = next((split for split in ("validation", "test", "train") if split in events.splits), "train")
    blocks = list(events.blocks(judge, most))
    labels = np.concatenate([truth for _, truth, _ in blocks]) if blocks else np.zeros(0, np.int64)
    check_classes(labels, events.store.classes, f"{events.store.path}, split {judge}")
    calibration = events.images("train" if "train" in events.splits else judge, CALIBRATION_EVENTS)
    return Sample(calibration, np.concatenate([images for images, _, _ in blocks]), labels)


def write_int8(folder: Path, sample: Sample, fp32: OnnxFile) -> Int8File:
    """Write the quantised ONNX file and return its entry of model.json."""
    from .quantise import quantise

    path = folder / FILES["onnx_int8"]
    chosen, candidates = quantise(folder / FILES["onnx"], path, sample)
    return Int8File(
        **file_entry(path),
        opset=fp32.opset,
        ir_version=fp32.ir_version,
        method=chosen.method,
        float_layers=chosen.float_layers,
        candidates=tuple(candidates),
    )


def write_torchscript(network: Model, path: Path, content: Manifest) -> TorchScriptFile:
    """Write the TorchScript file, with model.json's essentials inside, and return its entry of model.json."""
    import torch

    from ..inference.quiet import quiet_export

    buffer = io.BytesIO()  # not a path: its name would become part of the file
    inside = {MANIFEST: json.dumps(essentials(content))}
    with quiet_export():
        torch.jit.save(trace(network, network.image.shape), buffer, _extra_files=inside)
    path.write_bytes(buffer.getvalue())
    return TorchScriptFile(**file_entry(path), torch=str(torch.__version__))


def int8_table(entry: Int8File, fp32: OnnxFile) -> str:
    """Return what was measured on each int8 candidate, as a table for the terminal."""
    lines = [f"{'int8 candidate':<28}{'delta AUC':>11}{'size':>7}{'faster at 1':>13}{'at 64':>8}"]
    for row in entry.candidates:
        chosen = "  chosen" if row.method == entry.method else ""
        lines.append(
            f"{row.method:<28}{row.auc_difference:>+11.5f}{row.bytes / fp32.bytes:>7.2f}"
            f"{row.speedup['1']:>12.2f}x{row.speedup['64']:>7.2f}x{chosen}"
        )
    return "\n".join(lines)
