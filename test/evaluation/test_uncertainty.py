"""Spread of ensembles, and events unlike those of the training."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from RecoE2E.ParticleViT.errors import ModelError, RecipeError
from RecoE2E.ParticleViT.evaluation.distance import features_of, fit_distance
from RecoE2E.ParticleViT.evaluation.uncertainty import Uncertainty, assess, coverage, spread_bins
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.store import open_store


def test_distances_of_normal_events_follow_chi_squared():
    random = np.random.default_rng(1)
    mixing = random.normal(size=(5, 5))
    labels = random.integers(0, 2, 40_000)
    features = random.normal(size=(40_000, 5)) @ mixing + 50.0 * labels[:, None]
    distance = fit_distance(features[:20_000], labels[:20_000])
    found = distance(features[20_000:])
    for fraction in (0.5, 0.9, 0.99):
        assert (found < chi2.ppf(fraction, 5)).mean() == pytest.approx(fraction, abs=0.01)
    assert distance(features[:9] + 1000.0).min() > 100 * found.max()


@pytest.mark.parametrize("members", [3, 5, 8])
def test_normal_members_have_the_coverage_of_student_s_t(members):
    random = np.random.default_rng(members)
    each = random.uniform(0.3, 0.7, 50_000) + random.normal(size=(members, 50_000)) * 0.02
    for one in coverage(each):
        assert one.found == pytest.approx(one.expected, abs=0.006)
    far = random.normal(size=each.shape) * (random.random(each.shape) < 0.1)  # rare, but large
    assert any(abs(one.found - one.expected) > 0.03 for one in coverage(each + far))


def test_bins_are_in_the_order_of_the_spread():
    random = np.random.default_rng(3)
    width = random.uniform(0.01, 0.3, 5_000)
    signal = np.clip(0.5 + random.normal(size=(4, 5_000)) * width, 0, 1)
    each, truth = np.stack([1 - signal, signal], axis=2), (random.random(5_000) < 0.5).astype(int)
    bins = spread_bins(each, truth)
    assert [one.events for one in bins] == [500] * 10
    assert np.all(np.diff([one.std for one in bins]) > 0)


@pytest.mark.parametrize("kind", ["single", "ensemble"])
def test_disturbed_events_of_a_run_are_flagged(kind, small_run, tmp_path, script):
    run = small_run
    if kind == "ensemble":
        run = tmp_path / "three"
        script("ensemble", "--runs", small_run, small_run, small_run, "--run", run)
    found = assess(Run(run), tmp_path / "out", [open_store(Run(run).checkpoint.store.path).path], 0.05, 500)
    assert found == Uncertainty.read(tmp_path / "out/uncertainty.json", run)
    assert found.false_alarms.value < 0.3
    assert found.disturbed["noise"]["0"] == found.false_alarms
    assert found.disturbed["noise"]["1"].value > 0.8
    assert next(iter(found.others.values())).events == 500
    assert (found.members, len(found.bins)) == ((1, 0) if kind == "single" else (3, 10))
    for name in ("distance", "flagged", *(["spread"] if kind == "ensemble" else [])):
        assert (tmp_path / f"out/plots/uncertainty_{name}.png").is_file()


def test_command_writes_a_page(small_run, tmp_path, script):
    done = script("uncertainty", "--run", small_run, "--output", tmp_path / "out", "--limit", "200")
    assert "flagged test events" in done.stdout
    assert (tmp_path / "out/uncertainty.html").read_text().count("<figure") == 2
    for rate in ("0", "1"):
        words = ("--run", small_run, "--output", tmp_path / "no", "--false-alarms", rate)
        assert "give a number above 0 and below 1" in script("uncertainty", *words, check=2).stderr
    done = script("uncertainty", "--run", "data/models/electron_photon.json", check=2)
    assert "describes an export; give the folder of the run" in done.stderr
    assert not (tmp_path / "no").exists()


def test_refusals(small_run, tmp_path):
    with pytest.raises(RecipeError, match="above 0 and below 1"):
        assess(Run(small_run), tmp_path / "out", false_alarms=1.0)

    class NoLayer:
        name = "bare"

        def modules(self):
            return iter([self])

    with pytest.raises(ModelError, match="'bare' has no linear layer"):
        features_of(NoLayer())
