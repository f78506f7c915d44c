"""Exports for each CMSSW release; with `-m releases`, loaded by the libraries behind it."""

import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest

from RecoE2E.ParticleViT.deployment import export_run, spread
from RecoE2E.ParticleViT.deployment.environments import (
    SCORE_ONNX,
    SCORE_TORCH,
    onnxruntime_python,
    score_elsewhere,
)
from RecoE2E.ParticleViT.deployment.targets import DEFAULT_TARGET, TARGETS, find_cycle, find_target
from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError
from RecoE2E.ParticleViT.store import open_store

RELEASES = tuple(spread.versions())


@pytest.mark.parametrize(
    ("name", "cycle"),
    [
        ("CMSSW_14_0_0", "CMSSW_14_0"),
        ("CMSSW_13_3_X", "CMSSW_13_3"),
        ("CMSSW_15_1", "CMSSW_15_1"),
        ("17_0", "CMSSW_17_0"),
        ("CMSSW_13_2_0_pre3", "CMSSW_13_2"),
        ("CMSSW_14_1_X_2024-03-10-0000", "CMSSW_14_1"),
    ],
)
def test_a_release_takes_its_cycle(name, cycle):
    assert find_cycle(name) == cycle
    assert find_target(name) == TARGETS[cycle]


def test_a_release_after_the_newest_known_is_taken_for_it_with_a_note(caplog):
    assert find_cycle("CMSSW_21_0_0_pre1") == list(TARGETS)[-1]
    assert "CMSSW_21_0_0_pre1 is newer than this table; taken for CMSSW_20_1" in caplog.text


@pytest.mark.parametrize("name", ["CMSSW_9_4", "CMSSW_18_0", "CMSSW", "14", "14_0 "])
def test_what_is_no_known_release_is_refused(name):
    with pytest.raises(DeploymentError, match="unknown target '.*'; known: CMSSW_12_4"):
        find_cycle(name)


@pytest.mark.parametrize("name", ["CMSSW_13_1", "14_1", "CMSSW_15_1_0", "CMSSW_20_1"])
def test_an_export_stays_within_its_target(own_run, small_store, name):
    content = export_run(own_run, name)
    target = find_target(name)
    model = onnx.load(own_run / "export/model.onnx")
    assert model.ir_version <= target.ir_version
    assert [(entry.domain, entry.version <= target.opset) for entry in model.opset_import] == [("", True)]
    assert content.onnx.opset == model.opset_import[0].version
    images = open_store(small_store).read("test", limit=64).images
    difference = load_run(own_run, "onnx").predict(images) - load_run(own_run).predict(images)
    assert np.abs(difference).max() < 1e-6


def test_the_default_target_is_the_least_of_all_that_can_be_expressed():
    default = TARGETS[DEFAULT_TARGET]
    for target in TARGETS.values():
        if target.onnxruntime != "1.10.0":
            assert (target.opset, target.ir_version) >= (default.opset, default.ir_version)


def test_what_a_target_cannot_express_is_named(own_run):
    before = (own_run / "export/model.json").read_bytes()
    with pytest.raises(
        DeploymentError, match=r"CMSSW_13_0 loads opset 15 .* LayerNormalization \(opset 17\)"
    ):
        export_run(own_run, "CMSSW_13_0")
    assert (own_run / "export/model.json").read_bytes() == before


@pytest.fixture(scope="session")
def release_python(request, tmp_path_factory):
    """Return a function: version of onnxruntime -> Python that has it, in an environment of its own."""
    if "releases" not in request.config.getoption("-m"):
        pytest.skip("made when asked for: pytest -m releases")
    folder = Path(os.environ.get("PARTICLEVIT_RELEASES") or tmp_path_factory.mktemp("releases"))

    def make(version):
        try:
            return onnxruntime_python(version, folder)
        except BackendUnavailableError as error:
            pytest.skip(str(error))

    return make


@pytest.mark.releases
@pytest.mark.parametrize("version", RELEASES)
def test_the_onnxruntime_of_each_release_loads_its_export(
    own_run, small_store, tmp_path, release_python, version
):
    python = release_python(version)
    images = open_store(small_store).read("test").images
    expected = load_run(own_run).predict(images)
    behind = [name for name, target in TARGETS.items() if target.onnxruntime == version]
    for name in (*behind, DEFAULT_TARGET):
        export_run(own_run, name)
        scores = _score(python, SCORE_ONNX, own_run / "export/model.onnx", images, tmp_path)
        assert np.abs(scores - expected).max() <= 1e-5, name


@pytest.mark.releases
def test_an_old_torch_loads_the_torchscript_export(exported_run, small_store, tmp_path):
    """Wheels of torch 2.1 to 2.6 bring gigabytes of CUDA, so this one takes a Python that has one already.

    It is named by $PARTICLEVIT_OLD_TORCH; by default it is Debian's, whose torch is small and still older.
    """
    python = Path(os.environ.get("PARTICLEVIT_OLD_TORCH", "/usr/bin/python3"))
    found = subprocess.run(
        [python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True, check=False
    )
    if found.returncode or found.stdout >= "2.7":
        pytest.skip("no older torch here: apt-get install python3-torch")
    images = open_store(small_store).read("test").images
    scores = _score(python, SCORE_TORCH, exported_run / "export/model.pt", images, tmp_path)
    assert np.abs(scores - load_run(exported_run).predict(images)).max() <= 1e-5


def _score(python, program, model, images, folder):
    np.save(folder / "images.npy", images)
    return score_elsewhere(python, program, model, folder / "images.npy", folder / "scores.npy")
