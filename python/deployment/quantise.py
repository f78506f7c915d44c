"""int8 ONNX files: dynamic and static quantisation, layers chosen by measurement, refused if the AUC suffers.

Only convolutions and matrix products are quantised, weights per channel and with 7 bits: CMSSW limits
onnxruntime to AVX2, whose 8-bit products saturate with 8-bit weights.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..auc import auc
from ..errors import DeploymentError
from ..inference.latency import compare, percentiles, speedup
from ..inference.manifest import INPUT, Int8Candidate
from ..inference.predictors import Scorer, load_onnx

Images = NDArray[np.float32]
KINDS = ("Conv", "Gemm", "MatMul")
IN_FLOAT = ".moments."  # in the names of weights
MAX_AUC_DIFFERENCE = 2e-3
SENSITIVITY_EVENTS = 64
EXCLUSIONS = (0.0, 0.1, 0.25, 0.5)
"""Fractions of the layers, the most sensitive first, that are tried in float."""


class Sample(NamedTuple):
    """Events that decide: a calibration set from the training split, and a labelled one from another."""

    calibration: Images
    """Raw images (M, C, H, W) whose ranges are taken."""
    images: Images
    """Raw images (N, C, H, W) whose AUC is compared."""
    labels: NDArray[np.int64]
    """Their true classes (N,)."""


def quantise(model: Path, output: Path, sample: Sample) -> tuple[Int8Candidate, list[Int8Candidate]]:
    """Write the fastest int8 version of an ONNX file that keeps the AUC; return it and all candidates.

    Args:
        model: ONNX file in float32.
        output: file to write.
        sample: events that decide.

    Raises:
        DeploymentError: no layer to quantise, an empty or unfitting calibration set, or every candidate
            changes the AUC by more than 0.002.
    """
    check_calibration(model, sample)
    with tempfile.TemporaryDirectory(dir=output.parent) as name, quiet_quantiser():
        folder = Path(name)
        files = candidates(model, folder, sample.calibration)
        rows = [_row(method, *entry, model, sample) for method, entry in files.items()]
        accepted = [row for row in rows if abs(row.auc_difference) <= MAX_AUC_DIFFERENCE]
        if not accepted:
            best = min(rows, key=lambda row: abs(row.auc_difference))
            raise DeploymentError(
                f"int8 refused: the best, {best.method}, changes the AUC by "
                f"{best.auc_difference:+.4f} (limit {MAX_AUC_DIFFERENCE}); export without --int8"
            )
        chosen = max(accepted, key=lambda row: row.speedup["1"])
        output.write_bytes(files[chosen.method][0].read_bytes())
    return chosen, rows


def check_calibration(model: Path, sample: Sample) -> None:
    """Raise an error unless the calibration set has images of the model's shape.

    Raises:
        DeploymentError: it is empty, or of other images.
    """
    import onnx

    sizes = onnx.load(model).graph.input[0].type.tensor_type.shape.dim
    shape = tuple(size.dim_value for size in sizes[1:])
    if len(sample.calibration) == 0:
        raise DeploymentError("the calibration set is empty; use a store with a training split")
    for images in (sample.calibration, sample.images):
        if images.shape[1:] != shape:
            raise DeploymentError(
                f"calibration images are {images.shape[1:]}, the model's {shape}; use a store of its recipe"
            )


def candidates(model: Path, folder: Path, calibration: Images) -> dict[str, tuple[Path, list[str]]]:
    """Write all candidates; return {method: (file, layers left in float)}."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    layers = layer_names(model)
    dynamic = folder / "dynamic.onnx"
    quantize_dynamic(model, dynamic, op_types_to_quantize=["MatMul", "Gemm"], nodes_to_quantize=layers,
                     per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)  # fmt: skip
    found: dict[str, tuple[Path, list[str]]] = {"dynamic": (dynamic, [])}
    order = by_sensitivity(model, folder, calibration, layers)
    for fraction in EXCLUSIONS:
        excluded = order[: round(fraction * len(order))]
        path = folder / f"static_{len(excluded)}.onnx"
        _static(model, path, calibration, [name for name in layers if name not in excluded])
        found[f"static, {len(layers) - len(excluded)} of {len(layers)} layers"] = (path, excluded)
    return found


def layer_names(model: Path) -> list[str]:
    """Return the names of the nodes that can be quantised: not those of moments, which span many orders.

    Raises:
        DeploymentError: there are none.
    """
    import onnx

    nodes = [node for node in onnx.load(model).graph.node if node.op_type in KINDS]
    names = [node.name for node in nodes if not any(IN_FLOAT in name for name in node.input)]
    if not names:
        raise DeploymentError(f"{model}: has no {', '.join(KINDS)}, so there is nothing to quantise")
    return names


def by_sensitivity(model: Path, folder: Path, calibration: Images, layers: Sequence[str]) -> list[str]:
    """Return the layers, those first whose quantisation alone changes the scores most."""
    images = calibration[:SENSITIVITY_EVENTS]
    expected = _scorer(model)(images)
    path = folder / "one.onnx"
    changes = {}
    for name in layers:
        _static(model, path, images, [name])
        changes[name] = float(np.abs(_scorer(path)(images) - expected).mean())
    return sorted(layers, key=lambda name: -changes[name])


def _static(model: Path, output: Path, calibration: Images, layers: Sequence[str]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = iter(np.array_split(calibration, max(1, len(calibration) // 64)))

        def get_next(self) -> dict[str, Images] | None:
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: np.ascontiguousarray(batch)}

    quantize_static(
        model, output, Reader(), quant_format=QuantFormat.QDQ, op_types_to_quantize=list(KINDS),
        nodes_to_quantize=list(layers), per_channel=True, reduce_range=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip


def _scorer(path: Path) -> Scorer:
    return load_onnx(path, threads=1)


def _row(method: str, path: Path, excluded: list[str], model: Path, sample: Sample) -> Int8Candidate:
    """Measure one candidate against float32: AUC, size, latency."""
    scorers = {"fp32": _scorer(model), "int8": _scorer(path)}
    values = {}
    for name, score in scorers.items():
        parts = [score(sample.images[i : i + 256]) for i in range(0, len(sample.images), 256)]
        values[name] = auc(sample.labels, np.concatenate(parts)).value
    durations = compare(scorers, np.resize(sample.images, (64, *sample.images.shape[1:])))
    return Int8Candidate(
        method=method,
        float_layers=tuple(excluded),
        auc_difference=values["int8"] - values["fp32"],
        bytes=path.stat().st_size,
        latency_ms={str(size): percentiles(found["int8"]) for size, found in durations.items()},
        speedup={str(size): speedup(found["fp32"], found["int8"]) for size, found in durations.items()},
    )


@contextmanager
def quiet_quantiser() -> Iterator[None]:
    """Hide the hints that onnxruntime's quantiser gives through the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
