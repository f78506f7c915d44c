from __future__ import annotations

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.explanation.methods import (
    ATTENTION,
    METHODS,
    explainable,
    margin,
    methods_of,
    rolled,
)
from RecoE2E.ParticleViT.models import Ensemble, build_model
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

SPEC = ImageSpec((ChannelSpec("pt", "GeV", "energy"), ChannelSpec("n", "1", "count")), 24, 24, (12, 12))
NAMES = ("sparse_vit", "hybrid_vit", "reference_cnn", "vit")


def images(count: int = 12) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    hits = torch.rand(count, 1, 24, 24, generator=random) < 0.05
    hits[:, :, 12, 12] = True
    return torch.rand(count, 2, 24, 24, generator=random).mul(20).mul(hits)


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    torch.manual_seed(2)
    built = build_model(request.param, SPEC, ["a", "b"])
    built.fit(lambda: [images(64)])
    return built.eval()


def test_occlusion_is_what_the_odds_lose(network):
    some, classes = images(4), torch.tensor([0, 1, 0, 1])
    maps = METHODS["occlusion"](network, some, classes)
    assert (maps[(some == 0).all(1)] == 0).all()
    event, row, column = (maps != 0).nonzero()[5]
    without = some[event : event + 1].clone()
    without[0, :, row, column] = 0
    with torch.no_grad():
        one = classes[event : event + 1]
        lost = margin(network, some[event : event + 1], one) - margin(network, without, one)
    torch.testing.assert_close(maps[event, row, column], lost[0], atol=1e-5, rtol=1e-4)


def test_integrated_gradients_add_up(network):
    """Over the cells, they sum up to the change of the odds from an empty image."""
    some, classes = images(6), torch.tensor([0, 1, 0, 1, 1, 0])
    maps = METHODS["integrated_gradients"](network, some, classes)
    assert maps.isfinite().all()
    assert (maps[(some == 0).all(1)] == 0).all()
    with torch.no_grad():
        change = margin(network, some, classes) - margin(network, torch.zeros_like(some), classes)
    if network.name == "sparse_vit":  # which cells are chosen, and that a cell is hit, changes in steps
        return
    torch.testing.assert_close(maps.sum((1, 2)), change, atol=0.2 * float(change.abs().max()) + 0.02, rtol=0)


def test_rollout_is_a_share(network):
    if network.name == "reference_cnn":
        with pytest.raises(ModelError, match="has no attention; use occlusion or integrated_gradients"):
            METHODS["rollout"](network, images(2), torch.zeros(2, dtype=torch.long))
        return
    maps = METHODS["rollout"](network, images(3), torch.zeros(3, dtype=torch.long))
    assert (maps >= 0).all()
    assert (maps.sum((1, 2)) > 0).all()
    if network.name == "sparse_vit":
        assert (maps[(images(3) == 0).all(1)] == 0).all()


def test_methods_are_those_that_the_model_has(network):
    assert ("rollout" in methods_of(network)) == (network.name != "reference_cnn")
    assert any(name.endswith(ATTENTION) for name, _ in network.named_modules()) == (
        "rollout" in methods_of(network)
    )


def test_rolled_rows_sum_to_one():
    random = torch.Generator().manual_seed(3)
    layers = [torch.rand(2, 4, 7, 7, generator=random).softmax(-1) for _ in range(3)]
    flow = rolled(layers)
    np.testing.assert_allclose(flow.sum(-1), 1, rtol=1e-5)
    first = 0.5 * (layers[0].mean(1) + torch.eye(7))
    torch.testing.assert_close(rolled(layers[:1]), first)


def test_an_ensemble_has_no_maps():
    members = [build_model("reference_cnn", SPEC, ["a", "b"]) for _ in range(2)]
    with pytest.raises(ModelError, match="explain its runs one by one"):
        explainable(Ensemble(members))
