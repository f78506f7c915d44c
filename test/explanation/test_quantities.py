from __future__ import annotations

import numpy as np

from RecoE2E.ParticleViT.explanation.quantities import follows, quantities
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec


def test_what_a_score_follows_comes_first():
    random = np.random.default_rng(1)
    labels = np.arange(600) % 2
    mass = random.normal(labels, 1)
    columns = {
        "noise": random.normal(size=600),
        "mass": mass,
        "label": labels.astype(float),
        "constant": np.ones(600),
        "missing": np.full(600, np.nan),
    }
    scores = 1 / (1 + np.exp(-mass))
    found = {one.name: one for one in follows(scores, labels, columns)}
    assert list(found) == ["mass", "label", "noise"]
    assert found["mass"].correlation > 0.99
    assert found["mass"].within > 0.99
    assert abs(found["noise"].correlation) < 0.15
    assert np.isnan(found["label"].within)


def test_columns_and_features_of_the_images():
    spec = ImageSpec((ChannelSpec("pt", "GeV", "momentum"),), 4, 4, (2, 2))
    images = np.zeros((2, 1, 4, 4), np.float32)
    images[0, 0, 1, 1], images[1, 0, :2, 1] = 5, 2
    found = quantities(images, spec, {"pt": np.array([5.0, 4.0]), "entry": np.array([0, 1])})
    assert "entry" not in found
    np.testing.assert_allclose(found["sum"], [5, 4])
    np.testing.assert_allclose(found["multiplicity"], [1, 2])
