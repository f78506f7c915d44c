from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot

from RecoE2E.ParticleViT.recipe import Recipe, load_recipe

FIELDS = {"px": "part_px", "py": "part_py", "pz": "part_pz", "energy": "part_energy"}


def make_jets(jets: int, seed: int = 1, most: int = 20) -> dict[str, Any]:
    """Jets of massless particles around random axes, pt about 600 GeV in all; label k % 2."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, most, jets)
    total = int(counts.sum())
    axis_eta, axis_phi = random.uniform(-1.5, 1.5, jets), random.uniform(-np.pi, np.pi, jets)
    eta = np.repeat(axis_eta, counts) + random.normal(0, 0.2, total)
    phi = np.repeat(axis_phi, counts) + random.normal(0, 0.2, total)
    pt = random.exponential(40, total) + 0.5
    flat = {"part_px": pt * np.cos(phi), "part_py": pt * np.sin(phi), "part_pz": pt * np.sinh(eta)}
    flat["part_energy"] = pt * np.cosh(eta)
    lists = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in flat.items()}
    return {**lists, "is_signal": (np.arange(jets) % 2).astype(np.int32)}


def write_root(path: Path, columns: dict[str, Any], tree: str = "Events") -> Path:
    with uproot.recreate(path) as file:
        file.mktree(tree, {name: _type(values) for name, values in columns.items()})
        file[tree].extend(columns)
    return path


def _type(values: Any) -> Any:
    return values.dtype if isinstance(values, np.ndarray) else ak.type(values).content


def write_images(path: Path, images: np.ndarray, labels: np.ndarray, **columns: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["X"], file["y"] = images, labels
        for name, values in columns.items():
            file[name] = values
    return path


@pytest.fixture(scope="session")
def helpers():
    """The functions of this file (tests are not importable modules)."""

    class Helpers:
        jets = staticmethod(make_jets)
        root = staticmethod(write_root)
        images = staticmethod(write_images)

    return Helpers


@pytest.fixture
def recipe() -> Recipe:
    """The built-in top tagging recipe."""
    return load_recipe("top_tagging")


@pytest.fixture
def jets_root(tmp_path) -> Path:
    """3,000 jets in a TTree."""
    return write_root(tmp_path / "jets.root", make_jets(3000))
