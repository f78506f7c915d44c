"""The surface of the command line is frozen: every --help is what stands in help/*.txt.

After a change on purpose: for each VERB, COLUMNS=100 scripts/VERB.py --help > test/commands/help/VERB.txt
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from RecoE2E.ParticleViT.commands.main import VERBS, usage

ROOT = Path(__file__).resolve().parents[2]
HELP = Path(__file__).with_name("help")


def run(*words, **environment):
    command = [sys.executable, *map(str, words)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100", **environment},
    )


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_the_committed_text(verb):
    found = run(ROOT / "scripts" / f"{verb}.py", "--help").stdout
    assert found == (HELP / f"{verb}.txt").read_text(), f"see the head of {__file__}"
    assert "<class" not in found
    assert "typing." not in found


@pytest.mark.parametrize("verb", VERBS)
def test_help_imports_nothing_heavy(verb):
    """And so comes at once."""
    done = run("-X", "importtime", ROOT / "scripts" / f"{verb}.py", "--help")
    for module in ("torch", "lightning", "uproot", "matplotlib", "onnx", "numpy"):
        assert f" {module}\n" not in done.stderr, f"{verb} --help imports {module}"


def test_every_verb_is_a_script_a_module_and_a_line_of_help():
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    modules = {path.stem for path in (ROOT / "python/commands").glob("*.py")}
    assert set(VERBS) == scripts == {path.stem for path in HELP.glob("*.txt")}
    assert set(VERBS) <= modules
    assert all(f"  {verb} " in usage() for verb in VERBS)
