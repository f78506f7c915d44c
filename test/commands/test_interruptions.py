"""Commands that are stopped, that meet another one in the same place, or whose disk refuses lose nothing."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from make_small import RECIPE

from RecoE2E.ParticleViT.files import locked

ROOT = Path(__file__).resolve().parents[2]
LONG = ("--training.max_epochs", "500", "--training.patience", "500", "--training.batch_size", "16")


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


def hear_ctrl_c():
    """Let a process hear SIGINT even where the tests run in the background, whose children ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start():
    """Start a command; one that is still running at the end of the test is killed."""
    running = []

    def run(verb, *words, prepare=hear_ctrl_c):
        command = [sys.executable, str(ROOT / "scripts" / f"{verb}.py"), *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen(command, **pipes, preexec_fn=prepare))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


def wait_for(condition, process, seconds=240):
    for _ in range(seconds * 10):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    pytest.fail("it does not begin")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_training_continues(start, recipe, small_store, tmp_path, number, code):
    import torch

    run = tmp_path / "run"
    words = ("--recipe", recipe, "--store", small_store, "--run", run, *LONG)
    process = start("train", *words)
    wait_for((run / "checkpoints/last.ckpt").exists, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert errors.strip().endswith("the same command continues")
    assert not (run / ".lock").exists()
    first = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["global_step"]
    if number == signal.SIGTERM:
        epochs = len((run / "history.csv").read_text().splitlines()) - 1
        assert first >= 64 * epochs  # 64 steps make an epoch: nothing of it is lost
    process = start("train", *words)
    wait_for(
        lambda: torch.load(run / "checkpoints/last.ckpt", weights_only=True)["global_step"] > first, process
    )


@pytest.mark.parametrize("verb", ["train", "export"])
def test_a_second_process_in_the_same_place_is_one_line(verb, recipe, small_store, own_run, script, tmp_path):
    words = {
        "train": ("--recipe", recipe, "--store", small_store, "--run", tmp_path / "new"),
        "export": ("--run", own_run),
    }[verb]
    place, inside = {"train": (tmp_path / "new", True), "export": (own_run / "export", False)}[verb]
    with locked(place, "work", inside):
        done = script(verb, *words, check=2)
    assert f"another work (process {os.getpid()}) is writing here" in done.stderr


def test_two_simulations_of_one_file(script, tmp_path):
    path = tmp_path / "x.hdf5"
    with locked(path, "simulation", inside=False):
        done = script("simulate", "electron_photon", "--events", 3, "--output", path, check=2)
    assert "another simulation" in done.stderr


def test_a_simulated_file_replaces_nothing_unless_told(script, tmp_path):
    path = tmp_path / "thesis.hdf5"
    path.write_text("years of work")
    words = ("simulate", "electron_photon", "--events", 3, "--output", path)
    assert "is there already" in script(*words, check=2).stderr
    assert path.read_text() == "years of work"
    script(*words, "--overwrite")
    assert path.stat().st_size > 1000


def small_disk():
    """Let no file of this process grow beyond 2 kB, as a full disk would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


@pytest.mark.parametrize("verb", ["simulate", "train", "evaluate", "validate", "export", "explore"])
def test_a_disk_that_is_full_is_one_line(start, verb, recipe, small_store, own_run, tmp_path):
    before = {path: path.read_bytes() for path in own_run.rglob("*.json")}
    words = {
        "simulate": ("electron_photon", "--events", 2000, "--output", tmp_path / "x.hdf5"),
        "train": ("--recipe", recipe, "--store", small_store, "--run", tmp_path / "new"),
        "evaluate": ("--run", own_run, "--limit", 200),
        "validate": ("--run", own_run, "--limit", 64),
        "export": ("--run", own_run),
        "explore": ("--store", small_store, "--output", tmp_path / "page", "--limit", 50),
    }[verb]
    process = start(verb, *words, prepare=small_disk)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 2, errors
    assert "Traceback" not in errors
    assert "cannot be written" in errors.strip().splitlines()[-1]
    assert {path: path.read_bytes() for path in own_run.rglob("*.json")} == before
    assert not list(tmp_path.rglob("*partial*"))


@pytest.mark.parametrize("verb", ["train", "evaluate", "explore", "simulate"])
def test_an_output_below_a_file_is_one_line(verb, recipe, small_store, own_run, script, tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file/out"
    words = {
        "train": ("--recipe", recipe, "--store", small_store, "--run", place),
        "evaluate": ("--run", own_run, "--output", place),
        "explore": ("--store", small_store, "--output", place),
        "simulate": ("electron_photon", "--events", 3, "--output", place / "x.hdf5"),
    }[verb]
    assert "cannot be written" in script(verb, *words, check=2).stderr


def test_leftovers_of_a_killed_export_do_not_block_the_next(own_run):
    from RecoE2E.ParticleViT.deployment import export_run

    (own_run / ".export.partial").write_text("torn")
    (own_run / ".export.old").mkdir()
    export_run(own_run)
    assert not list(own_run.glob(".export*"))


def test_damage_in_a_run_is_one_line(own_run, small_store, script):
    """A flipped bit in the checkpoint, and a number that somebody changed in model.json."""
    path = own_run / "export/model.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "working_points": {}}))
    assert "damaged, or changed by hand" in script("validate", "--run", own_run, check=2).stderr
    path = own_run / "checkpoints/best.ckpt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    assert "is damaged" in script("evaluate", "--run", own_run, check=2).stderr


@pytest.mark.parametrize("text", ["", "epoch,learning_rate\n"])
def test_an_empty_history_is_one_line(own_run, small_store, script, text):
    (own_run / "history.csv").write_text(text)
    assert "history.csv: not a training history" in script("evaluate", "--run", own_run, check=2).stderr


def test_a_start_that_failed_does_not_block_the_folder(recipe, small_store, script, tmp_path):
    words = (
        "--recipe",
        recipe,
        "--store",
        small_store,
        "--run",
        tmp_path / "run",
        "--training.max_epochs",
        1,
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run/recipe.yaml").write_text(yaml.safe_dump({**RECIPE, "name": "another"}))
    script("train", *words, "--training.limit", 64)


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999999"])
def test_seeds_have_63_bits(recipe, small_store, script, tmp_path, seed):
    words = ("--recipe", recipe, "--store", small_store, "--run", tmp_path / "run", "--training.seed", seed)
    assert "give a number from 0 to 2^63 - 1" in script("train", *words, check=2).stderr
