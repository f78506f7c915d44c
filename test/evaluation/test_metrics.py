import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from RecoE2E.ParticleViT.errors import StoreError
from RecoE2E.ParticleViT.evaluation import metrics
from sklearn.metrics import roc_auc_score


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
    assert metrics.auc(labels, np.stack([1 - score, score], axis=1)).value == pytest.approx(expected)


def test_delong_error_agrees_with_the_spread_of_fresh_samples_and_with_the_bootstrap():
    labels, probabilities = _binary()
    error = metrics.auc(labels, probabilities).error
    fresh = [metrics.auc(*_binary(seed=seed)).value for seed in range(1, 400)]
    assert error == pytest.approx(np.std(fresh), rel=0.15)

    rng = np.random.default_rng(3)
    picks = [rng.integers(0, len(labels), len(labels)) for _ in range(400)]
    bootstrap = np.std([metrics.auc(labels[pick], probabilities[pick]).value for pick in picks])
    assert error == pytest.approx(bootstrap, rel=0.15)


def test_error_of_the_mean_over_three_classes_agrees_with_fresh_samples():
    labels, probabilities = _three_classes()
    area = metrics.auc(labels, probabilities)
    assert area.value == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr"))
    fresh = [metrics.auc(*_three_classes(seed=seed)).value for seed in range(2, 300)]
    assert area.error == pytest.approx(np.std(fresh), rel=0.15)


def test_paired_difference_is_more_precise_than_two_separate_errors():
    labels, first = _binary(events=2000)
    noise = np.random.default_rng(5).normal(0, 0.05, len(labels))
    second = np.stack([1 - first[:, 1] - noise, first[:, 1] + noise], axis=1)
    difference = metrics.auc_difference(labels, first, second)
    separate = metrics.auc(labels, first).error * np.sqrt(2)
    assert difference.error < 0.4 * separate
    assert metrics.auc_difference(labels, first, first) == (0.0, 0.0, 1.0)


def test_paired_test_rejects_at_its_nominal_rate():
    rng = np.random.default_rng(8)
    labels = np.arange(300) % 2
    p_values = []
    for _ in range(300):
        common = rng.normal(labels, 1)
        pair = [common + rng.normal(0, 0.5, len(labels)) for _ in range(2)]
        p_values.append(metrics.auc_difference(labels, *(np.stack([-s, s], axis=1) for s in pair)).p_value)
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.05)


def test_rejection_and_working_points_by_hand():
    is_signal = np.array([1, 1, 0, 1, 0, 1, 0, 0], dtype=bool)
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    curve = metrics.roc(is_signal, scores)
    assert metrics.background_rejection(curve, 4, [0.5, 0.75, 1.0]) == {"0.5": 4.0, "0.75": 4.0, "1": 2.0}
    points = metrics.working_points(curve, [0.0, 0.25, 0.5])
    assert points["0"] == {"threshold": 0.8, "signal_efficiency": 0.5, "background_efficiency": 0.0}
    assert points["0.25"]["threshold"] == 0.6
    assert points["0.5"] == {"threshold": 0.4, "signal_efficiency": 1.0, "background_efficiency": 0.5}


def test_a_working_point_never_lets_more_background_pass_than_it_says():
    labels, probabilities = _binary(events=5000)
    scores = probabilities[:, 1].round(2)  # many ties
    points = metrics.working_points(metrics.roc(labels == 1, scores), [1e-5, 0.01, 0.05, 0.1])
    for target, point in points.items():
        passing = np.mean(scores[labels == 0] >= point["threshold"])
        assert passing == pytest.approx(point["background_efficiency"])
        assert passing <= float(target)


def test_summary_of_two_and_of_three_classes():
    labels, probabilities = _binary()
    result = metrics.summary(labels, probabilities, ["qcd", "top"], [0.3, 0.5])
    assert set(result) == {"events", "auc", "auc_error", "accuracy", "background_rejection"}
    assert set(result["background_rejection"]) == {"0.3", "0.5"}

    labels, probabilities = _three_classes()
    result = metrics.summary(labels, probabilities, ["a", "b", "c"], [0.5])
    assert result["auc"] == pytest.approx(np.mean([entry["auc"] for entry in result["classes"].values()]))
    assert np.sum(result["confusion"], axis=1) == pytest.approx(1)


def test_an_absent_class_is_named():
    with pytest.raises(StoreError, match=r"store: no event of class top among 3; .* all of them"):
        metrics.check_classes(np.zeros(3, dtype=np.int64), ["qcd", "top"], "store")
