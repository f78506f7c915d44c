from __future__ import annotations

import numpy as np
import torch
from torch import nn

from RecoE2E.ParticleViT.explanation.curves import FRACTIONS, deletion, random_curve, verdict

WEIGHTS = torch.linspace(-2, 2, 64).reshape(8, 8)


class Linear(nn.Module):
    """The odds are a weighted sum of the cells, so that the right order is known."""

    def forward(self, image):
        odds = (image.sum(1) * WEIGHTS).sum((1, 2))
        return torch.stack([-odds / 2, odds / 2], 1).softmax(1)


def images(count=50):
    random = torch.Generator().manual_seed(1)
    return torch.rand(count, 1, 8, 8, generator=random) * (torch.rand(count, 1, 8, 8, generator=random) < 0.3)


def test_ends_are_the_image_and_the_empty_image():
    some, ones = images(), torch.ones(50, dtype=torch.long)
    network, maps = Linear(), torch.rand(50, 8, 8)
    full, empty = (network(one)[:, 1].double() for one in (some, torch.zeros_like(some)))
    for insert, first, last in ((False, full, empty), (True, empty, full)):
        curve = deletion(network, some, ones, maps, insert)
        np.testing.assert_allclose(curve.values[:, 0], first, atol=1e-6)
        np.testing.assert_allclose(curve.values[:, -1], last, atol=1e-6)
        assert curve.values.shape == (50, len(FRACTIONS))


def test_the_true_relevance_beats_random_orders_and_the_opposite_loses():
    some, ones = images(), torch.ones(50, dtype=torch.long)
    network = Linear()
    relevance = some.sum(1) * WEIGHTS
    for insert, sign in ((False, -1), (True, 1)):
        random = random_curve(network, some, ones, 1, insert)
        right = verdict(deletion(network, some, ones, relevance, insert), random)
        wrong = verdict(deletion(network, some, ones, -relevance, insert), random)
        assert sign * right.difference > 5 * right.error
        assert sign * wrong.difference < -5 * wrong.error


def test_area_of_a_constant_curve():
    some = torch.zeros(3, 1, 8, 8)
    curve = deletion(Linear(), some, torch.ones(3, dtype=torch.long), torch.rand(3, 8, 8))
    np.testing.assert_allclose(curve.areas, 0.5)
