"""Fixtures of all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import parts
import pytest
from make_small import make_small_run, make_small_store
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


@pytest.fixture(scope="session")
def cpp_build() -> Path:
    """Build folder of test/cpp, unit tests with sanitizers; kept in build/, so that a second run is quick."""
    parts.need("g++", "cmake", "Catch2")
    folder = ROOT / "build" / "cpp"
    configure = ["cmake", "-S", ROOT / "test/cpp", "-B", folder, "-DPARTICLEVIT_SANITIZE=ON"]
    configure.append(f"-DPYTHON={sys.executable}")
    if headers := parts.onnxruntime_headers():
        configure.append(f"-DONNXRUNTIME_INCLUDE={headers}")
    for command in (configure, ["cmake", "--build", folder, "--parallel", "2"]):
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
    return make_small_store(tmp_path_factory.mktemp("small") / "store")


@pytest.fixture(scope="session")
def small_run(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on `small_store`; not to be changed."""
    return make_small_run(small_store, tmp_path_factory.mktemp("small_run") / "run")


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
