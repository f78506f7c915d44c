"""The spread of scores over libraries and kernels; with `-m releases`, over those of CMSSW releases."""

import json
import os
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


def test_kernels_of_torch_can_be_limited(exported_run, monkeypatch):
    """Without environments of other versions: this onnxruntime, and torch with two sets of kernels."""
    monkeypatch.setattr(spread, "versions", dict)
    found = spread.spread_of_run(Run(exported_run), None, 100, Path("/nowhere"))
    assert [(row.library, row.events) for row in found.rows] == [
        *(("onnxruntime", 100), ("torch", 100), ("torch", 100))
    ]
    reference, *others = found.rows
    assert (reference.max_abs_difference, reference.auc_difference) == (0, 0)
    assert all(0 < row.max_abs_difference < 1e-5 for row in others)
    assert f"at most {found.max_abs_difference:.1e}" in spread.table(found)


def test_what_fails_elsewhere_passes_its_words_on(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((1, 1, 2, 2), np.float32))
    model = tmp_path / "model.onnx"
    model.write_bytes(b"torn")
    import sys

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
