import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from RecoE2E.ParticleViT.auc import auc, auc_difference, check_classes
from RecoE2E.ParticleViT.errors import StoreError


def _binary(events=400, separation=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = (np.arange(events) % 3 == 0).astype(np.int64)
    score = 1 / (1 + np.exp(-rng.normal(labels * separation)))
    return labels, np.stack([1 - score, score], axis=1)


def _three_classes(events=600, seed=1):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, events)
    logits = rng.normal(size=(events, 3)) + 1.2 * np.eye(3)[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_auc_agrees_with_sklearn_also_with_ties(events):
    labels = np.array([0, 1, *(int(label) for label, _ in events)])
    score = np.array([2, 3, *(score for _, score in events)]) / 5
    expected = roc_auc_score(labels, score)
    assert auc(labels, np.stack([1 - score, score], axis=1)).value == pytest.approx(expected)


def test_delong_error_agrees_with_the_spread_of_fresh_samples_and_with_the_bootstrap():
    labels, probabilities = _binary()
    error = auc(labels, probabilities).error
    fresh = [auc(*_binary(seed=seed)).value for seed in range(1, 400)]
    assert error == pytest.approx(np.std(fresh), rel=0.15)

    rng = np.random.default_rng(3)
    picks = [rng.integers(0, len(labels), len(labels)) for _ in range(400)]
    bootstrap = np.std([auc(labels[pick], probabilities[pick]).value for pick in picks])
    assert error == pytest.approx(bootstrap, rel=0.15)


def test_error_of_the_mean_over_three_classes_agrees_with_fresh_samples():
    labels, probabilities = _three_classes()
    area = auc(labels, probabilities)
    assert area.value == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr"))
    fresh = [auc(*_three_classes(seed=seed)).value for seed in range(2, 300)]
    assert area.error == pytest.approx(np.std(fresh), rel=0.15)


def test_paired_difference_is_more_precise_than_two_separate_errors():
    labels, first = _binary(events=2000)
    noise = np.random.default_rng(5).normal(0, 0.05, len(labels))
    second = np.stack([1 - first[:, 1] - noise, first[:, 1] + noise], axis=1)
    difference = auc_difference(labels, first, second)
    separate = auc(labels, first).error * np.sqrt(2)
    assert difference.error < 0.4 * separate
    assert auc_difference(labels, first, first) == (0.0, 0.0, 1.0)


def test_paired_test_rejects_at_its_nominal_rate():
    rng = np.random.default_rng(8)
    labels = np.arange(300) % 2
    p_values = []
    for _ in range(300):
        common = rng.normal(labels, 1)
        pair = [common + rng.normal(0, 0.5, len(labels)) for _ in range(2)]
        p_values.append(auc_difference(labels, *(np.stack([-s, s], axis=1) for s in pair)).p_value)
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.05)


def test_an_absent_class_is_named():
    with pytest.raises(StoreError, match=r"store: no event of class top among 3; .* all of them"):
        check_classes(np.zeros(3, dtype=np.int64), ["qcd", "top"], "store")
