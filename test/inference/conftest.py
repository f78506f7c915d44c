from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from make_jets import SMALL, make_jets, write_root

from RecoE2E.ParticleViT.deployment import export_run
from RecoE2E.ParticleViT.deployment.export import write_onnx
from RecoE2E.ParticleViT.deployment.targets import DEFAULT_TARGET, TARGETS
from RecoE2E.ParticleViT.evaluation.evaluate import evaluate_run
from RecoE2E.ParticleViT.inference.manifest import Manifest
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.models import build_recipe_model
from RecoE2E.ParticleViT.recipe import Recipe, load_recipe
from RecoE2E.ParticleViT.store import image_of_recipe, open_store
from RecoE2E.ParticleViT.training import train


def write_untrained(recipe: Recipe, folder: Path) -> Path:
    """Write the export of a network with fresh weights."""
    import torch

    torch.manual_seed(1)
    network = build_recipe_model(recipe, image_of_recipe(recipe)).eval()
    folder.mkdir(parents=True, exist_ok=True)
    content = Manifest(network.name, network.image, tuple(network.classes), target=DEFAULT_TARGET)
    onnx = write_onnx(network, folder / "model.onnx", TARGETS[DEFAULT_TARGET], content)
    replace(content, onnx=onnx).write(folder / "model.json")
    return folder


@pytest.fixture(scope="session")
def untrained():
    """`untrained(recipe, folder)` writes model.onnx and model.json of a network with fresh weights."""
    return write_untrained


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


@pytest.fixture
def xrootd() -> Iterator[tuple[Path, str]]:
    """A folder that a real XRootD server lets one read and write, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as base:
        state, folder = Path(base) / "state", Path(base) / "files"
        Path(base).chmod(0o755)
        for path in (state, folder):
            path.mkdir()
            path.chmod(0o777)
        config = state / "xrootd.cfg"
        config.write_text(
            f"all.export / writable\noss.localroot {folder}\nxrd.port {port}\n"
            f"all.adminpath {state}\nall.pidpath {state}\n"
        )
        command = ["xrootd", "-c", str(config), "-l", f"{state}/log", "-p", str(port)]
        command += ["-R", "nobody"] if os.geteuid() == 0 else []
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield folder, f"root://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(10)
