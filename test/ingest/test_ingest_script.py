from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, helpers):
    folder = tmp_path_factory.mktemp("inputs")
    for number in range(4):
        helpers.root(folder / f"jets_{number}.root", helpers.jets(9000, seed=number, most=40))
    return folder


def kill_when_there_is(words, store, pattern):
    """Run an ingest and kill it when a new file in its store matches; return whether it was still running."""
    before = set(store.glob(pattern))
    command = [sys.executable, str(ROOT / "scripts/ingest.py"), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and set(store.glob(pattern)) <= before:
        time.sleep(0.001)
    running = process.poll() is None
    process.kill()
    process.wait()
    return running


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_at_any_moment_ends_with_the_same_store(tmp_path, inputs, script, workers):
    words = [
        "--recipe",
        "top_tagging",
        "--files",
        f"{inputs}/jets_*.root",
        "--workers",
        f"{workers}",
        "--output",
    ]
    script("ingest", *words, tmp_path / "whole")
    store = tmp_path / "store"
    moments = (".parts/plan.json", ".parts/*.h5", "shards/*.h5")  # in the order in which they appear
    killed = [kill_when_there_is([*words, str(store)], store, pattern) for pattern in moments]
    script("ingest", *words, tmp_path / "store")
    assert killed[0]
    assert digest(tmp_path / "store") == digest(tmp_path / "whole")


def test_overrides_reach_the_store(tmp_path, inputs, script):
    words = ["--recipe", "top_tagging", "--files", f"{inputs}/jets_0.root", "--output", tmp_path / "store"]
    done = script("ingest", *words, "--image.height", "16", "--split.seed=3")
    assert "9,000 entries in" in done.stdout
    assert "train: " in done.stdout
    assert "9,000 of 9,000 entries" in done.stderr  # progress
    text = (tmp_path / "store/store.json").read_text()
    assert '"height": 16' in text
    assert '"seed": 3' in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--files", "nothing*.root"], "no file matches"),
        (["--files", "{file}", "--inputs.tree", "Jets2"], "no tree 'Jets2'"),
        (["--files", "{file}", "--inputs.fields.px", "qx"], "has no 'qx'"),
        (["--files", "{file}", "--inputs.label.field", "truth"], "has no 'truth' (inputs.label.field)"),
        (["--files", "{file}", "--image.heigth", "3"], "did you mean '--image.height'"),
        ([], "no files"),
    ],
)
def test_mistakes_end_with_one_line_and_code_2(tmp_path, inputs, script, words, message):
    words = [word.replace("{file}", f"{inputs}/jets_0.root") for word in words]
    done = script("ingest", "--recipe", "top_tagging", *words, "--output", tmp_path / "store", check=2)
    assert message in done.stderr
    assert not (tmp_path / "store").exists()
