"""A sample of the cases of fuzz.py, the same each time; `python test/fuzz.py FOLDER` runs them all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CASES, SEED = 80, 1


def test_a_sample_of_mistakes(tmp_path):
    command = [sys.executable, str(Path(__file__).parent / "fuzz.py"), str(tmp_path), "--cases", str(CASES)]
    done = subprocess.run([*command, "--seed", str(SEED)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}"
    assert done.stdout.splitlines()[-1].startswith(f"{CASES} cases")
