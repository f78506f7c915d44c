"""Write a run's network as TorchScript and ONNX, with model.json beside them: all of it or nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..auc import check_classes
from ..files import whole_folder, write_json
from ..inference.manifest import FILES, MANIFEST, describe, sha256
from ..inference.run import trained_network
from .graph import operators, to_onnx, trace
from .targets import DEFAULT_TARGET, TARGETS, Target, find_cycle

if TYPE_CHECKING:
    from ..inference.run import Model
    from .quantise import Sample

CALIBRATION_EVENTS = 512
JUDGE_EVENTS = 4000
MAX_BYTES = 400_000_000  # of images in memory


def export_run(
    run: Path, target: str = DEFAULT_TARGET, int8: bool = False, store: Path | None = None
) -> dict[str, Any]:
    """Export the best checkpoint of a run to RUN/export and return the content of model.json.

    Args:
        run: run folder.
        target: oldest CMSSW release that has to load the ONNX file.
        int8: write a quantised ONNX file too.
        store: store whose training split calibrates it; None: the one of the training.

    Raises:
        RunError: the run has no checkpoint.
        DeploymentError: unknown target, one that cannot express this model, or no int8 that keeps the AUC.
        StoreError: no store to calibrate with.
    """
    target = find_cycle(target)
    limits = TARGETS[target]
    network = trained_network(run)
    sample = calibration_sample(run, store) if int8 else None
    with whole_folder(run / "export") as folder:
        content = describe(network, run)
        content["target"] = target
        content["onnx"] = write_onnx(network, folder / FILES["onnx"], limits, target, content)
        content["torchscript"] = write_torchscript(network, folder / FILES["torchscript"], content)
        if sample is not None:
            content["onnx_int8"] = write_int8(folder, sample, content["onnx"])
        write_json(folder / MANIFEST, content)
    return content


def write_onnx(
    network: Model, path: Path, limits: Target, target: str, content: dict[str, Any]
) -> dict[str, Any]:
    """Write the ONNX file and return its entry of model.json."""
    essentials = {key: content[key] for key in ("format_version", "name", "image", "classes")}
    metadata = {f"particlevit.{key}": json.dumps(value) for key, value in essentials.items()}
    model, rewritten = to_onnx(network, network.image.shape, limits, target, metadata)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return {
        "file": path.name,
        "opset": next(entry.version for entry in model.opset_import if entry.domain == ""),
        "ir_version": model.ir_version,
        "nodes": len(model.graph.node),
        "rewritten": rewritten,
        "operators": operators(model),
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
    }


def calibration_sample(run: Path, store: Path | None) -> Sample:
    """Return the events that calibrate and judge an int8 export: training and validation split."""
    from ..inference.scoring import open_events
    from .quantise import Sample

    events = open_events(run, store)
    most = max(64, min(JUDGE_EVENTS, MAX_BYTES // (4 * math.prod(events.image.shape))))
    judge = next((split for split in ("validation", "test", "train") if split in events.splits), "train")
    blocks = list(events.blocks(judge, most))
    labels = np.concatenate([truth for _, truth, _ in blocks]) if blocks else np.zeros(0, np.int64)
    check_classes(labels, events.store.classes, f"{events.store.path}, split {judge}")
    calibration = events.images("train" if "train" in events.splits else judge, CALIBRATION_EVENTS)
    return Sample(calibration, np.concatenate([images for images, _, _ in blocks]), labels)


def write_int8(folder: Path, sample: Sample, fp32: dict[str, Any]) -> dict[str, Any]:
    """Write the quantised ONNX file and return its entry of model.json."""
    from .quantise import quantise

    path = folder / FILES["onnx_int8"]
    choice = quantise(folder / FILES["onnx"], path, sample)
    entry = {key: fp32[key] for key in ("opset", "ir_version")}
    return {"file": path.name, **entry, "sha256": sha256(path), "bytes": path.stat().st_size, **choice}


def write_torchscript(network: Model, path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Write the TorchScript file, with model.json's essentials inside, and return its entry of model.json."""
    import io

    import torch

    from ..inference.quiet import quiet_export

    essentials = {key: content[key] for key in ("format_version", "name", "image", "classes")}
    buffer = io.BytesIO()  # not a path: its name would become part of the file
    with quiet_export():
        torch.jit.save(
            trace(network, network.image.shape), buffer, _extra_files={MANIFEST: json.dumps(essentials)}
        )
    path.write_bytes(buffer.getvalue())
    return {
        "file": path.name,
        "sha256": sha256(path),
        "torch": torch.__version__,
        "bytes": path.stat().st_size,
    }


def int8_table(content: dict[str, Any]) -> str:
    """Return what was measured on each int8 candidate, as a table for the terminal."""
    entry, fp32 = content["onnx_int8"], content["onnx"]["bytes"]
    lines = [f"{'int8 candidate':<28}{'delta AUC':>11}{'size':>7}{'faster at 1':>13}{'at 64':>8}"]
    for row in entry["candidates"]:
        chosen = "  chosen" if row["method"] == entry["method"] else ""
        lines.append(
            f"{row['method']:<28}{row['auc_difference']:>+11.5f}{row['bytes'] / fp32:>7.2f}"
            f"{row['speedup']['1']:>12.2f}x{row['speedup']['64']:>7.2f}x{chosen}"
        )
    return "\n".join(lines)
