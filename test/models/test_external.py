"""A model of a module outside of the package, from training to its exports, each in a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULE = """
from torch import nn
from RecoE2E.ParticleViT import register_model

@register_model
def tiny_net(image, classes, *, width: int = 4):
    channels, height, size = image
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(width, classes),
    )
"""


@pytest.fixture(scope="module")
def own_models(tmp_path_factory):
    """A folder with a package of a user's own model."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_package").mkdir()
    (folder / "my_package" / "__init__.py").write_text("")
    (folder / "my_package" / "my_models.py").write_text(MODULE)
    return folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, small_run):
    """The recipe of the small run with that model."""
    path = tmp_path_factory.mktemp("recipe") / "own.yaml"
    content = yaml.safe_load((small_run / "recipe.yaml").read_text())
    content["model"] = {"name": "tiny_net", "module": "my_package.my_models", "options": {"width": 6}}
    content["training"]["max_epochs"] = 1
    path.write_text(yaml.safe_dump(content))
    return path


def command(*words, path=None):
    """Run a command of Python in a new process, with a folder on Python's path."""
    environment = {**os.environ, "PYTHONPATH": str(path or "")}
    done = [sys.executable, *map(str, words)]
    return subprocess.run(done, capture_output=True, text=True, check=False, env=environment)


def test_a_model_from_outside_is_trained_loaded_and_exported(own_models, recipe, small_store, tmp_path):
    run = tmp_path / "run"
    words = ("--recipe", recipe, "--store", small_store, "--run", run)
    for step in (("train.py", *words), ("export.py", "--run", run), ("validate.py", "--run", run)):
        done = command(ROOT / "scripts" / step[0], *step[1:], path=own_models)
        assert done.returncode == 0, done.stderr
    assert json.loads((run / "validation.json").read_text())["passed"] is True
    code = "import numpy, RecoE2E.ParticleViT as p; images = numpy.zeros((3, 2, 24, 24), 'float32')\n"
    code += f"print(p.load_run({str(run)!r}).predict(images).shape)"
    assert command("-c", code, path=own_models).stdout == "(3, 2)\n"


def test_without_its_module_the_model_is_named(recipe, small_store, tmp_path):
    words = ("--recipe", recipe, "--store", small_store, "--run", tmp_path / "run")
    done = command(ROOT / "scripts/train.py", *words)
    assert done.returncode == 2
    assert "model.module 'my_package.my_models' cannot be imported" in done.stderr
    assert "PYTHONPATH" in done.stderr


def test_a_model_that_nobody_registered(script, small_store, small_run, tmp_path):
    words = ("--recipe", small_run / "recipe.yaml", "--store", small_store, "--run", tmp_path / "run")
    done = script("train", *words, "--model.name", "tiny_net", check=2)
    assert "model.module names its module" in done.stderr
