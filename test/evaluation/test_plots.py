import numpy as np
import pytest
from matplotlib import image

from RecoE2E.ParticleViT.auc import auc
from RecoE2E.ParticleViT.evaluation import metrics, plots
from RecoE2E.ParticleViT.report.quantity import with_error


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 5000)
    score = 1 / (1 + np.exp(-rng.normal(labels * 2 - 1, 1.0)))
    return labels, np.stack([1 - score, score], axis=1)


def _is_drawing(path):
    pixels = image.imread(path)
    return pixels.shape[0] > 400 and pixels.std() > 0.01 and not list(path.parent.glob(".*"))


def test_extracted_curves_end_where_curves_end(scored):
    (curve,) = plots.roc_curves(*scored, ["qcd", "top"])
    assert curve.label == f"top against qcd, AUC = {with_error(*auc(*scored)[:2])}"
    assert len(curve.signal) <= plots.MAX_POINTS
    assert (curve.signal[0], curve.background[0], curve.signal[-1]) == (0, 0, 1)
    area = np.trapezoid(curve.signal, curve.background) + (1 - curve.background[-1])
    assert area == pytest.approx(auc(*scored).value, abs=2e-3)


def test_score_distributions_have_area_one(scored):
    scores = plots.score_distributions(*scored, ["qcd", "top"])
    assert scores.title == "Probability of top"
    for density in scores.densities.values():
        assert np.sum(density * np.diff(scores.edges)) == pytest.approx(1)


def test_each_figure_is_drawn(scored, tmp_path):
    classes = ["qcd", "top"]
    curves = plots.roc_curves(*scored, classes)
    right = "top_tagging, test"
    epochs = np.arange(1.0, 6.0)
    history = {"epoch": epochs, "train_loss": 0.5 - epochs / 20, "validation_loss": 0.55 - epochs / 25}
    history["validation_auc"] = 0.9 + epochs / 100
    written = [
        plots.draw_roc(tmp_path / "roc.png", curves, right),
        plots.draw_rejection(tmp_path / "rejection.png", curves, right),
        plots.draw_scores(tmp_path / "scores.png", plots.score_distributions(*scored, classes), right),
        plots.draw_confusion(tmp_path / "confusion.png", metrics.confusion(*scored), classes, right),
        plots.draw_history(tmp_path / "history.png", history, right),
    ]
    assert all(_is_drawing(path) for path in written)


def test_a_single_epoch_has_one_tick(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(plots, "legend", lambda axes: seen.append(axes))
    plots.draw_history(tmp_path / "history.png", {"epoch": np.ones(1), "train_loss": np.ones(1)})
    for axes in seen:
        low, high = axes.get_xlim()
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
