"""Fixtures of all tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real samples beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real samples (../shared/data) are not here")
    return folder


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
