"""One run made of several."""

from __future__ import annotations

import json

import pytest


def test_an_ensemble_is_evaluated_and_exported(job, tmp_path, script):
    run = job[0] / "runs/electron_photon"
    done = script("ensemble", "--runs", run, run, "--run", tmp_path / "both", "--mean", "logits")
    alone = json.loads((run / "metrics.json").read_text())
    both = json.loads((tmp_path / "both/metrics.json").read_text())
    assert both["model"]["parameters"] == 2 * alone["model"]["parameters"]
    assert both["test"]["auc"] == pytest.approx(alone["test"]["auc"], abs=1e-6)
    assert "background rejection" in done.stdout
    script("export", "--run", tmp_path / "both")
    script("validate", "--run", tmp_path / "both")
    assert json.loads((tmp_path / "both/validation.json").read_text())["passed"] is True


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ((), "--run is missing"),
        (("--run", "c"), "a/checkpoints/best.ckpt"),
        (("--run", "c", "--mean", "median"), "expected one of 'probabilities', 'logits', found median"),
    ],
)
def test_options_that_do_not_fit(script, tmp_path, options, hint):
    assert hint in script("ensemble", "--runs", "a", "b", *options, check=2, cwd=tmp_path).stderr
    assert list(tmp_path.iterdir()) == []
