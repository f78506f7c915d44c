"""The spread of scores over libraries and kernels; with `-m releases`, over those of CMSSW releases."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.deployment import spread
from RecoE2E.ParticleViT.deployment.environments import SCORE_ONNX, onnxruntime_python, score_elsewhere
from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError
from RecoE2E.ParticleViT.inference.run import Run


def test_the_versions_are_those_of_the_releases_that_load_exports():
    assert spread.versions()["1.14.1"] == ["CMSSW_13_1", "CMSSW_13_2", "CMSSW_13_3", "CMSSW_14_0"]
    assert "1.10.0" not in spread.versions()


@pytest.mark.needs("g++")
def test_kernels_can_be_limited(exported_run, monkeypatch):
    """Without environments of other versions: this onnxruntime and torch, each with two sets of kernels."""
    monkeypatch.setattr(spread, "versions", dict)
    found = spread.spread_of_run(Run(exported_run), None, 100, Path("/nowhere"))
    reference, *others = found.rows
    assert (reference.library, reference.kernels) == ("onnxruntime", spread.widest_kernels())
    assert (reference.events, reference.max_abs_difference, reference.auc_difference) == (100, 0, 0)
    assert ("torch", "AVX2") in {(row.library, row.kernels) for row in others}
    if not found.unavailable and reference.kernels == "AVX-512":
        assert ("onnxruntime", "AVX2") in {(row.library, row.kernels) for row in others}
    assert all(0 < row.max_abs_difference < 1e-5 for row in others)
    assert f"at most {found.max_abs_difference:.1e}" in spread.table(found)


@pytest.mark.needs("g++")
def test_hidden_instructions_are_not_found(tmp_path):
    try:
        library = spread.kernel_limit(tmp_path)
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    show = "import numpy._core._multiarray_umath as m; f = m.__cpu_features__; print(f['AVX2'], f['AVX512F'])"
    done = subprocess.run(
        ["env", f"LD_PRELOAD={library}", sys.executable, "-c", show],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.needs("g++")
def test_a_fault_of_a_program_stays_a_fault(tmp_path):
    """The library catches SIGSEGV, but only that of the instruction that it hides."""
    try:
        library = spread.kernel_limit(tmp_path)
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    command = ["env", f"LD_PRELOAD={library}", sys.executable, "-c", "import ctypes; ctypes.string_at(0)"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGSEGV


def test_without_a_compiler_the_kernels_are_those_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendUnavailableError, match="without a C\\+\\+ compiler"):
        spread.kernel_limit(tmp_path)


def test_what_fails_elsewhere_passes_its_words_on(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((1, 1, 2, 2), np.float32))
    model = tmp_path / "model.onnx"
    model.write_bytes(b"torn")
    with pytest.raises(DeploymentError, match=r"model\.onnx in .*INVALID_PROTOBUF"):
        score_elsewhere(sys.executable, SCORE_ONNX, model, tmp_path / "images.npy", tmp_path / "scores.npy")


@pytest.mark.releases
def test_a_version_that_does_not_exist_is_named_and_leaves_nothing(request, tmp_path):
    if "releases" not in request.config.getoption("-m"):
        pytest.skip("made when asked for: pytest -m releases")
    with pytest.raises(BackendUnavailableError, match=r"onnxruntime 1\.99\.0: cannot be installed"):
        onnxruntime_python("1.99.0", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.releases
def test_scores_of_all_releases_agree(request, own_run, script, tmp_path, monkeypatch):
    if "releases" not in request.config.getoption("-m"):
        pytest.skip("made when asked for: pytest -m releases")
    monkeypatch.setenv("PARTICLEVIT_RELEASES", os.environ.get("PARTICLEVIT_RELEASES") or str(tmp_path))
    done = script("validate", "--run", own_run, "--limit", 100, "--spread")
    content = json.loads((own_run / "spread.json").read_text())
    versions = {row["version"] for row in content["rows"] if row["library"] == "onnxruntime"}
    assert len(versions) >= 4
    assert content["max_abs_difference"] <= 1e-5
    assert "settings a score changes by at most" in done.stdout
