from __future__ import annotations

import pytest
import torch

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.models.preprocess import Preprocess
from RecoE2E.ParticleViT.recipe import Preprocessing

IMAGE = torch.tensor([[[[4.0, 0.0005], [-9.0, 0.0]]]])


def one(**settings) -> Preprocess:
    return Preprocess(["energy"], {"energy": Preprocessing(**settings)})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [4.0, 0.0005, -9.0, 0.0]),
        ({"threshold": 0.001}, [4.0, 0.0, -9.0, 0.0]),
        ({"transform": "sqrt", "threshold": 0.001}, [2.0, 0.0, -3.0, 0.0]),
        ({"transform": "log1p"}, [1.609438, 0.0005, -2.302585, 0.0]),
        ({"scale": 4.0, "transform": "sqrt", "threshold": 0.001}, [1.0, 0.0, -1.5, 0.0]),
        ({"fraction": True, "threshold": 0.001}, [-0.8, 0.0, 1.8, 0.0]),
    ],
)
def test_steps(settings, expected):
    found = one(**settings, standardise=False)(IMAGE)
    assert torch.allclose(found.flatten(), torch.tensor(expected), atol=1e-6)


def test_channels_keep_their_own_settings():
    settings = {"a": Preprocessing(transform="sqrt", standardise=False), "c": Preprocessing(fraction=True)}
    module = Preprocess(["a", "b", "c"], settings)
    image = torch.rand(8, 3, 4, 4) * 9
    module.fit([image[:3], image[3:]])
    found = module(image)
    assert torch.allclose(found[:, 0], image[:, 0].sqrt())
    for channel in (1, 2):
        assert abs(found[:, channel].mean()) < 1e-5
        assert abs(found[:, channel].std(unbiased=False) - 1) < 1e-4
    shares = image[:, 2] / image[:, 2].sum(dim=(1, 2), keepdim=True)
    assert torch.allclose(found[:, 2], (shares - shares.mean()) / shares.std(unbiased=False), atol=1e-4)


@pytest.mark.parametrize("transform", ["none", "sqrt", "log1p"])
def test_empty_images_stay_finite(transform):
    module = one(fraction=True, transform=transform, threshold=0.1)
    module.fit(torch.zeros(3, 1, 4, 4))
    assert (module(torch.zeros(2, 1, 4, 4)) == 0).all()


def test_fit_without_images():
    with pytest.raises(ModelError, match="at least 1 training image"):
        one().fit([])


def test_settings_of_an_absent_channel():
    with pytest.raises(ModelError, match="did you mean 'energy'"):
        Preprocess(["energy"], {"enrgy": Preprocessing()})
