"""Fixtures of all tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import parts
import pytest
from parts import (  # noqa: F401  what pytest calls
    pytest_collection_modifyitems,
    pytest_runtest_setup,
    pytest_terminal_summary,
)

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = {"scoreOnnx": "ONNX Runtime's headers", "scoreTorch": "libtorch"}
"""Programs of test/cpp that are built only with another part than the unit tests need."""
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real samples beside the checkout."""
    parts.need("the real samples")
    return parts.samples()


def module_folder(name: str) -> Path | None:
    """Folder of an installed Python module, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def library_options() -> list[str]:
    """CMake options that point to the libraries inside of the Python wheels."""
    options = []
    runtime, torch = module_folder("onnxruntime"), module_folder("torch")
    libraries = sorted(runtime.glob("capi/libonnxruntime.so.*")) if runtime else []
    headers = parts.onnxruntime_headers()
    if libraries:
        options.append(f"-DONNXRUNTIME_LIBRARY={libraries[0]}")
    if headers:
        options.append(f"-DONNXRUNTIME_INCLUDE={headers}")
    if json := module_folder("nlohmann_json"):  # else the system's header is taken
        options.append(f"-DNLOHMANN_INCLUDE={json / 'include'}")
    if torch and (torch / "share/cmake").is_dir():
        options += ["-DPARTICLEVIT_TORCH=ON", f"-DCMAKE_PREFIX_PATH={torch / 'share/cmake'}"]
    return options


@pytest.fixture(scope="session")
def cpp_build() -> Path:
    """Build folder of test/cpp, unit tests with sanitizers; kept in build/, so that a second run is quick."""
    parts.need("g++", "cmake", "Catch2")
    folder = ROOT / "build" / "cpp"
    configure = ["cmake", "-S", ROOT / "test/cpp", "-B", folder, "-DPARTICLEVIT_SANITIZE=ON"]
    for command in ([*configure, *library_options()], ["cmake", "--build", folder, "--parallel", "2"]):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return folder


@pytest.fixture(scope="session")
def program(cpp_build: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of the build: `program("scoreOnnx", ...)`."""

    def run(name: str, *arguments: object, check: int = 0) -> subprocess.CompletedProcess[str]:
        if name in LIBRARIES:
            parts.need(LIBRARIES[name])
        path = cpp_build / name
        done = subprocess.run([str(path), *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script of the package: `script("ingest", "--recipe", ...)`; `check=2` asserts the exit code."""

    def run(name: str, *arguments: object, check: int | None = 0, cwd: Path | None = None):
        command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
        if check is not None:
            assert done.returncode == check, f"{command}\n{done.stdout}\n{done.stderr}"
        if check == 2:
            line = done.stderr.strip().splitlines()[-1]
            assert line.startswith("error: "), done.stderr
            assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 24 x 24 images of two channels and two classes: a broad blob is `b`, a narrow one `a`."""
    import numpy as np

    from RecoE2E.ParticleViT.files import write_json
    from RecoE2E.ParticleViT.store import (
        ChannelSpec,
        ImageSpec,
        ShardInfo,
        SparseImages,
        SplitInfo,
        StoreInfo,
    )
    from RecoE2E.ParticleViT.store.writer import write_events

    path = tmp_path_factory.mktemp("small") / "store"
    spec = ImageSpec(
        (ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 24, 24, (12, 12)
    )
    random = np.random.default_rng(1)
    rows, columns = np.indices((24, 24)) - 12
    splits = {}
    for split, events in (("train", 1024), ("validation", 256), ("test", 300)):
        labels = np.arange(events) % 2
        width = np.where(labels, 2.4, 1.8)[:, None, None] * random.normal(1, 0.2, (events, 1, 1))
        images = np.zeros((events, *spec.shape), np.float32)
        energy = (
            50 * np.exp(-(rows**2 + columns**2) / (2 * width**2)) * random.exponential(1, (events, 24, 24))
        )
        images[:, 0] = np.where(energy > 1, energy, 0)
        images[:, 1] = np.where(energy > 1, random.normal(0, 2, energy.shape), 0)
        file = path / f"shards/{split}-00000.h5"
        write_events(file, SparseImages.from_dense(images), labels, {"pt": energy.sum(axis=(1, 2))})
        shards = (ShardInfo.of(path, file, events),)
        splits[split] = SplitInfo(events, {"a": events // 2, "b": events // 2}, shards)
    info = StoreInfo("id", "small", spec, ("a", "b"), ("pt",), {"seed": 1.0}, splits, ())
    write_json(path / "store.json", info.to_dict())
    return path


@pytest.fixture(scope="session")
def small_run(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on `small_store`; not to be changed."""
    from RecoE2E.ParticleViT.recipe import parse_recipe
    from RecoE2E.ParticleViT.store import open_store
    from RecoE2E.ParticleViT.training import train

    content = {
        "name": "small",
        "classes": ["a", "b"],
        "inputs": {"source": "images"},
        "image": {
            "channels": [{"name": "energy", "unit": "GeV"}, {"name": "time", "unit": "ns", "kind": "time"}],
            "height": 24,
            "width": 24,
        },
        "model": {"name": "hybrid_vit", "options": {"stem": [8, 16], "dim": 32, "mlp_dim": 64}},
        "training": {"max_epochs": 2, "batch_size": 64, "threads": 1},
    }
    run = tmp_path_factory.mktemp("small_run") / "run"
    train(parse_recipe(content, {}, "small.yaml"), open_store(small_store), run)
    return run


@pytest.fixture(scope="session")
def exported_run(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `small_run`, evaluated and exported; not to be changed."""
    from RecoE2E.ParticleViT.deployment import export_run
    from RecoE2E.ParticleViT.evaluation import evaluate_run

    run = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(small_run, run)
    evaluate_run(run)
    export_run(run)
    return run


@pytest.fixture
def own_run(exported_run, tmp_path):
    """A copy of the exported run that a test may damage."""
    return shutil.copytree(exported_run, tmp_path / "run")
