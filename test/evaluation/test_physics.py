import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import StoreError
from RecoE2E.ParticleViT.evaluation import physics


@pytest.fixture
def events():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 6000)
    pt = rng.uniform(400, 600, len(labels))
    score = 1 / (1 + np.exp(-rng.normal(labels * (pt - 400) / 50, 1.0)))
    return labels, np.stack([1 - score, score], axis=1), pt


def test_auc_in_bins_sees_where_the_classifier_works(events):
    bins = physics.auc_in_bins(*events)
    assert len(bins) == 6
    assert sum(one.events for one in bins) == 6000
    assert bins[-1].auc > bins[0].auc + 0.2


def test_a_cut_on_a_correlated_score_sculpts(events):
    labels, probabilities, _ = events
    rng = np.random.default_rng(1)
    alike = 100 * probabilities[:, 1] + rng.normal(0, 5, len(labels))
    free = rng.normal(80, 10, len(labels))
    sculpted, kept = (physics.sculpting(labels, probabilities, values) for values in (alike, free))
    assert sculpted.divergence > 0.3 > sculpted.divergence_by_chance + 20 * sculpted.divergence_error
    assert kept.divergence == pytest.approx(kept.divergence_by_chance, abs=5 * kept.divergence_error)
    background, width = (labels == 0).sum(), np.diff(kept.edges)
    counts = np.array(kept.before) * width * background
    np.testing.assert_allclose(np.array(kept.before_error) * width * background, np.sqrt(counts), rtol=0.02)
    assert np.sum(np.array(kept.after) * width) == pytest.approx(1)


def test_only_usable_columns_are_looked_at(events, tmp_path):
    labels, probabilities, pt = events
    columns = {
        "pt": pt,
        "eta": np.zeros(len(pt)),
        "mass": np.full(len(pt), np.nan),
        "entry": np.arange(len(pt)),
    }
    found = physics.phase_space(labels, probabilities, columns)
    assert set(found.auc_in_bins) == set(found.sculpting) == {"pt"}
    assert physics.draw_bins(tmp_path / "bins.png", "pt", found.auc_in_bins["pt"]).exists()
    assert physics.draw_sculpting(tmp_path / "shape.png", "pt", found.sculpting["pt"]).exists()


def test_runs_on_different_events_are_not_compared(events):
    labels, probabilities, _ = events
    same = physics.compare_scores((labels, labels), (probabilities, probabilities))
    assert (same.difference, same.p_value) == (0, 1)
    with pytest.raises(StoreError, match="different events; compare them on one store"):
        physics.compare_scores((labels, 1 - labels), (probabilities, probabilities))
