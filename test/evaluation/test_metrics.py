import numpy as np
import pytest

from RecoE2E.ParticleViT.evaluation import metrics


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


def test_split_metrics_of_two_and_of_three_classes():
    labels, probabilities = _binary()
    result = metrics.split_metrics(labels, probabilities, ["qcd", "top"], [0.3, 0.5])
    assert (result.classes, result.confusion, result.calibration) == ({}, (), None)
    assert set(result.background_rejection) == {"0.3", "0.5"}

    labels, probabilities = _three_classes()
    result = metrics.split_metrics(labels, probabilities, ["a", "b", "c"], [0.5])
    assert result.auc == pytest.approx(np.mean([entry.auc for entry in result.classes.values()]))
    assert np.sum(result.confusion, axis=1) == pytest.approx(1)
