from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from RecoE2E.ParticleViT.deployment import export_run
from RecoE2E.ParticleViT.evaluation.evaluate import evaluate_run
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.recipe import Recipe, load_recipe
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.training import train

SMALL = {
    "image.height": 16,
    "image.width": 16,
    "model.name": "hybrid_vit",
    "model.options": {"stem": [8], "dim": 16, "mlp_dim": 16, "heads": 2},
    "training.max_epochs": 1,
    "training.batch_size": 64,
    "training.threads": 1,
}


def make_jets(jets: int, seed: int = 1) -> dict[str, Any]:
    """Jets of massless particles; those of class 1 are wider."""
    random = np.random.default_rng(seed)
    counts, labels = random.integers(3, 20, jets), (np.arange(jets) % 2).astype(np.int32)
    total, width = int(counts.sum()), np.repeat(np.where(labels, 0.3, 0.15), counts)
    eta = np.repeat(random.uniform(-1.5, 1.5, jets), counts) + random.normal(0, width, total)
    phi = np.repeat(random.uniform(-np.pi, np.pi, jets), counts) + random.normal(0, width, total)
    pt = random.exponential(40, total) + 0.5
    flat = {"part_px": pt * np.cos(phi), "part_py": pt * np.sin(phi), "part_pz": pt * np.sinh(eta)}
    flat["part_energy"] = pt * np.cosh(eta)
    lists = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in flat.items()}
    return {**lists, "is_signal": labels}


def write_root(path: Path, columns: dict[str, Any]) -> Path:
    kinds = {
        name: values.dtype if isinstance(values, np.ndarray) else ak.type(values).content
        for name, values in columns.items()
    }
    with uproot.recreate(path) as file:
        file.mktree("Events", kinds).extend(columns)
    return path


@pytest.fixture(scope="session")
def jets():
    """`jets(number, seed)` makes the columns of jets; `jets.write(path, columns)` writes them."""
    make_jets.write = write_root
    return make_jets


@pytest.fixture(scope="session")
def jet_files(tmp_path_factory) -> tuple[Path, Path]:
    """1,200 jets for training and 500 for a test."""
    folder = tmp_path_factory.mktemp("jets")
    return write_root(folder / "train.root", make_jets(1200)), write_root(
        folder / "test.root", make_jets(500, 2)
    )


@pytest.fixture(scope="session")
def jet_recipe() -> Recipe:
    return load_recipe("top_tagging", SMALL)


@pytest.fixture(scope="session")
def jet_run(jet_files, jet_recipe, tmp_path_factory) -> Path:
    """A run on `jet_files`, evaluated and exported; not to be changed."""
    folder = tmp_path_factory.mktemp("jet_run")
    ingest_files(jet_recipe, folder / "store", [str(jet_files[0])], [str(jet_files[1])])
    run = folder / "run"
    train(jet_recipe, open_store(folder / "store"), run)
    evaluate_run(run)
    export_run(run)
    return run
