"""Fixtures of the C++ tests: the CMake build, a small model, raw images."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

PACKAGE = Path(__file__).resolve().parents[2]
SHAPE = (2, 32, 32)
DESCRIPTION = {
    "format_version": 2,
    "name": "test",
    "image": {
        "height": 32,
        "width": 32,
        "channels": [
            {"name": "energy", "unit": "GeV", "kind": "energy"},
            {"name": "time", "unit": "ns", "kind": "time"},
        ],
        "seed": [16, 16],
        "grid": {"kind": "crystals"},
        "tier": "reduced",
        "track_position": "none",
        "jet_seed": "none",
        "domain": {"pt": [10.0, None], "abs_eta": [0.0, 1.44], "seed_rows": [71, 208]},
    },
    "classes": ["photon", "electron"],
    "input": "image",
    "output": "probabilities",
    "working_points": {"electron": {"0.01": 0.9, "0.05": 0.7, "0.10": 0.5}},
}


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """300 sparse raw images (N, 2, 32, 32) with negative times and one empty image."""
    random = np.random.default_rng(1)
    images = random.exponential(5, (300, *SHAPE)) * (random.random((300, *SHAPE)) < 0.05)
    images[:, 1] *= random.choice([-1, 1], (300, 32, 32))
    images[7] = 0
    return images.astype(np.float32)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with model.onnx, model.pt and model.json of an untrained network."""
    import torch

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = torch.nn.Conv2d(SHAPE[0], 8, 4, 4)
            self.head = torch.nn.Linear(8 * 64, 2)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            features = torch.relu(self.patches(torch.log1p(image.abs())))
            return torch.softmax(self.head(features.flatten(1)), 1)

    torch.manual_seed(1)
    network = Small().eval()
    example = torch.rand(2, *SHAPE)
    folder = tmp_path_factory.mktemp("export") / "model"
    folder.mkdir()
    trace(network, example, folder / "model.pt")
    export_onnx(network, example, folder / "model.onnx")
    (folder / "model.json").write_text(json.dumps({**DESCRIPTION, **checksums(folder)}))
    return folder


def checksums(folder: Path) -> dict[str, dict[str, str]]:
    """Entries of model.json that name the exported files of a folder and their checksums."""
    files = {"onnx": folder / "model.onnx", "torchscript": folder / "model.pt"}
    return {
        kind: {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for kind, path in files.items()
    }


def trace(network, example, path: Path) -> None:
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated upstream
        torch.jit.save(torch.jit.trace(network, example), path)


def export_onnx(network, example, path: Path) -> None:
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            opset_version=18,
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
        program.model.ir_version = 8
        program.save(path)


@pytest.fixture(scope="session")
def expected(model_dir: Path, images: np.ndarray) -> np.ndarray:
    """Probabilities (N, 2) of `images` from ONNX Runtime in Python."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model_dir / "model.onnx", providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"image": images})[0]


@pytest.fixture
def broken_model(model_dir: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copy the model with another description: `broken_model(classes=[...])`; returns the folder."""

    def copy(**changes: object) -> Path:
        folder = tmp_path / "broken"
        shutil.copytree(model_dir, folder)
        description = {**DESCRIPTION, **checksums(folder), **changes}
        description["image"] = {**DESCRIPTION["image"], **changes.get("image", {})}
        (folder / "model.json").write_text(json.dumps(description))
        return folder

    return copy
