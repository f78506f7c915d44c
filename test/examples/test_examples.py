"""The examples run from their first line to the last, each in an empty folder, and are good notebooks."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(set(Path(__file__).parent.glob("*.py")) - {Path(__file__)})
RESULTS = {
    "from_own_file": (r"(\d+) of 500 jets have a score; AUC (0\.\d+)", 450, 0.9),
    "coming_from_weaver": (r"AUC of (\d+) jets: (0\.\d+)", 300, 0.75),
    "new_particle": (r"(\d+) images: \d+ photons(?s:.*)pi0: .*pi0 (0\.\d+)", 2000, 0.25),
    "new_model": (r"([\d,]+) parameters(?s:.*)AUC difference [+-]?(0\.\d+)", 2000, 0.0),
}
"""Name -> pattern of two numbers in what it prints, and their least values."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": commands, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error::SyntaxWarning", str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pattern, *least = RESULTS[path.stem]
    found = re.search(pattern, done.stdout)
    assert found, done.stdout
    for number, low in zip(found.groups(), least, strict=True):
        assert float(number.replace(",", "")) >= low, found.group()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_notebook(path):
    head, *cells = re.split(r"^# %%", path.read_text(), flags=re.MULTILINE)
    assert "format_name: percent" in head
    prose = [cell for cell in cells if cell.startswith(" [markdown]")]
    assert prose[0].startswith(" [markdown]\n# # "), "a title"
    assert 2 * len(prose) >= len(cells) >= 10, "as much prose as code"
    for cell in cells:
        if cell in prose:
            assert all(line.startswith("#") for line in cell.strip().splitlines()[1:]), cell
        else:
            ast.parse(cell)
            assert "__file__" not in cell


def test_the_contributors_page_names_all():
    page = (Path(__file__).parents[2] / "python/README.md").read_text()
    assert all(f"../test/examples/{path.name}" in page for path in EXAMPLES)
