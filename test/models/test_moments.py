from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.models import build_model
from RecoE2E.ParticleViT.models.moments import DEGREE, RADIAL, Moments
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

AMOUNT, VARIANCE, LARGEST, SQUARES, FIRST = range(5)  # the order of one channel's moments
EXPONENTS = [(i, n - i) for n in range(1, DEGREE + 1) for i in range(n + 1)]  # of x and y


def sparse(seed: int, shape: tuple[int, ...] = (3, 1, 12, 9)) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    cells = torch.rand(shape, generator=random)
    return cells * (torch.rand(shape, generator=random) < 0.2) * 100


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_moments_are_the_sums_that_their_names_say(seed):
    image = sparse(seed)
    found = Moments((1, 12, 9)).physical(image).numpy()
    y = (np.arange(12) + 0.5) / 6 - 1
    x = (np.arange(9) + 0.5) / 4.5 - 1
    for cells, moments in zip(image[:, 0].double().numpy(), found, strict=True):
        total = cells.sum()
        if total == 0:
            continue
        share = cells / total
        np.testing.assert_allclose(moments[AMOUNT], np.log(total), atol=1e-4)
        np.testing.assert_allclose(moments[LARGEST], np.log(share.max()), atol=1e-4)
        np.testing.assert_allclose(moments[SQUARES], np.log((share**2).sum()), atol=1e-4)
        for k, (i, j) in enumerate(EXPONENTS):
            expected = (share * y[:, None] ** j * x[None] ** i).sum()
            np.testing.assert_allclose(moments[FIRST + len(RADIAL) + k], expected, atol=1e-5)


def test_the_mass_of_two_particles():
    """For two massless particles of shares z and 1 - z at a small angle d, mass / pT = d sqrt(z (1 - z))."""
    image = torch.zeros(1, 1, 32, 32)
    image[0, 0, 10, 16], image[0, 0, 20, 16] = 30.0, 70.0
    moments = Moments((1, 32, 32)).physical(image)[0]
    width = 10 / 16 * np.sqrt(0.3 * 0.7)  # the coordinates go from -1 to 1 over 32 cells
    mass = moments[AMOUNT].exp() * moments[VARIANCE].exp().sqrt()
    assert mass.item() == pytest.approx(100 * width, rel=0.01)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_only_the_amount_knows_the_scale(seed, factor):
    moments = Moments((1, 12, 9))
    image = sparse(seed, (1, 1, 12, 9))
    if image.sum() == 0:
        return
    difference = moments.physical(image * factor) - moments.physical(image)
    expected = torch.zeros_like(difference)
    expected[:, AMOUNT] = float(np.log(factor))
    torch.testing.assert_close(difference, expected, atol=2e-4, rtol=0)


def test_images_without_signal_and_of_huge_signal_stay_finite():
    moments = Moments((2, 8, 8))
    moments.fit([sparse(1, (50, 2, 8, 8))])
    for value in (0.0, -3.0, 1e30):
        assert moments(torch.full((2, 2, 8, 8), value)).abs().max() <= 5


def test_noise_of_both_signs_averages_out():
    image = torch.zeros(200, 1, 32, 32)
    image[:, 0, 10, 16], image[:, 0, 20, 16] = 30.0, 70.0
    noisy = image + 0.1 * torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    moments = Moments((1, 32, 32))
    amounts = moments.physical(noisy)[:, AMOUNT].exp()
    assert amounts.mean().item() == pytest.approx(100, abs=1)
    assert amounts.std().item() == pytest.approx(0.1 * 32, rel=0.2)


def test_fit_standardises_batches_as_one_sample():
    moments = Moments((2, 12, 9))
    image = sparse(3, (400, 2, 12, 9))
    moments.fit([image[:100], image[100:]])
    found = (moments.physical(image) - moments.get_buffer("mean")) / moments.get_buffer("std")
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(moments.count), atol=1e-3, rtol=0)
    torch.testing.assert_close(found.std(dim=0, correction=0), torch.ones(moments.count), atol=1e-3, rtol=0)
    with pytest.raises(ModelError, match="at least 1 training image"):
        moments.fit([])


def test_autocast_keeps_float32():
    moments, image = Moments((1, 12, 9)), sparse(5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(moments(image), moments(image))
        found = moments(image)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, moments(image))


def test_the_moments_see_what_normalisation_hides():
    """Images that differ by a factor look alike to the stem where it gets fractions, not to the moments."""
    from RecoE2E.ParticleViT.recipe import Preprocessing

    image = ImageSpec((ChannelSpec("pt", "GeV", "energy"),), 32, 32, (16, 16))
    settings = {"pt": Preprocessing(fraction=True)}
    batch = sparse(7, (4, 1, 32, 32))
    for moments in (True, False):
        torch.manual_seed(1)
        network = build_model("hybrid_vit", image, ["a", "b"], preprocessing=settings, moments=moments).eval()
        network.fit(lambda: [batch])
        same = torch.allclose(network(batch), network(batch * 2), atol=1e-6)
        assert same is not moments


def test_times_have_no_moments():
    image = ImageSpec(
        (ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 12, 9, (6, 4)
    )
    network = build_model("hybrid_vit", image, ["a", "b"], stem=(8,), dim=16, heads=2).eval()
    batch = sparse(9, (6, 2, 12, 9))
    network.fit(lambda: [batch])
    found = []
    network.backbone.moments[0].register_forward_hook(lambda module, given, result: found.append(result))
    network(batch)
    network(batch * torch.tensor([1.0, -2.0]).reshape(-1, 1, 1))
    assert torch.equal(found[0], found[1])
    half = found[0].shape[1] // 2
    assert found[0][:, :half].abs().sum() > 0
    assert found[0][:, half:].abs().sum() == 0
