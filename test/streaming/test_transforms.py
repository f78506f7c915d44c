from __future__ import annotations

import pytest
import torch

from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.recipe import Transform
from RecoE2E.ParticleViT.store import ImageSpec
from RecoE2E.ParticleViT.streaming import TensorBatch, build_transforms, list_transforms
from RecoE2E.ParticleViT.streaming.registry import generator
from RecoE2E.ParticleViT.streaming.transforms import apply_transforms

SPEC = ImageSpec(channels=("energy", "time"), units=("GeV", "ns"), height=8, width=8)
JETS = ImageSpec(channels=("tracks", "ecal", "hcal"), units=("GeV",) * 3, height=125, width=125)
OPTIONS = {
    "centre_crop": {"size": 4}, "downsample": {"factor": 2}, "select_channels": {"channels": ["time"]},
    "roll_phi": {"cells": 2}, "gaussian_noise": {"sigma": 0.1},
}  # fmt: skip


def batch(count=16, spec=SPEC):
    random = torch.Generator().manual_seed(1)
    images = torch.rand((count, *spec.shape), generator=random)
    images *= torch.rand(images.shape, generator=random) < 0.3
    return TensorBatch(images, torch.arange(count) % 2, torch.ones(count))


def run(name, images=None, spec=SPEC, seed=3, **options):
    steps, result = build_transforms([Transform(name, options)], spec, ["a", "b"])
    made = apply_transforms(steps, images or batch(spec=spec), generator(seed))
    assert made.images.shape[1:] == result.shape
    return made


@pytest.mark.parametrize("name", list_transforms())
def test_every_transform_keeps_its_contract(name):
    spec = SPEC if name != "sum_channels" else ImageSpec(("a", "b"), ("GeV", "GeV"), 8, 8)
    before = batch(spec=spec)
    kept = before.images.clone()
    made = run(name, before, spec, **OPTIONS.get(name, {}))
    assert made.images.dtype == made.weights.dtype == torch.float32
    assert len(made.images) == len(made.labels) == len(made.weights) == 16
    assert torch.equal(before.images, kept)  # not in place
    assert torch.equal(run(name, before, spec, **OPTIONS.get(name, {})).images, made.images)  # seeded


def test_reference_quark_gluon_images():
    """125 x 125 x 3 -> 33 x 33 x 1: the reference CNN's input."""
    entries = [Transform("centre_crop", {"size": 33}), Transform("sum_channels"), Transform("l2_normalise")]
    steps, spec = build_transforms(entries, JETS, ["gluon", "quark"])
    assert spec.shape == (1, 33, 33)
    assert spec.units == ("GeV",)
    images = batch(4, JETS).images
    made = apply_transforms(steps, TensorBatch(images, torch.zeros(4).long(), torch.ones(4)), generator(0))
    expected = images[:, :, 46:79, 46:79].sum(1, keepdim=True)
    torch.testing.assert_close(made.images.square().sum((1, 2, 3)), torch.ones(4))
    torch.testing.assert_close(
        made.images[0, 0, 16, 16] / made.images[0].max(), expected[0, 0, 16, 16] / expected[0].max()
    )


def test_downsample_sums_or_takes_the_largest():
    images = batch().images
    blocks = images.reshape(16, 2, 4, 2, 4, 2)
    torch.testing.assert_close(run("downsample", factor=2).images, blocks.sum((3, 5)))
    torch.testing.assert_close(run("downsample", factor=2, how="max").images, blocks.amax((3, 5)))


def test_values():
    images = batch().images
    assert torch.equal(run("zero_suppress", threshold=0.5).images, torch.where(images < 0.5, 0, images))
    negative = batch()._replace(images=-images)
    torch.testing.assert_close(run("log1p", negative, scale=2.0).images, -(images / 2).log1p())
    assert torch.equal(run("select_channels", channels=["time", "energy"]).images, images[:, [1, 0]])


@pytest.mark.parametrize(("name", "axis"), [("flip_eta", 2), ("flip_phi", 3)])
def test_flips(name, axis):
    images = batch().images
    assert torch.equal(run(name, probability=1.0).images, images.flip(axis))
    assert torch.equal(run(name, probability=0.0).images, images)
    some = run(name).images
    flipped = [torch.equal(a, b.flip(axis - 1)) for a, b in zip(some, images, strict=True)]
    assert 0 < sum(flipped) < 16


@pytest.mark.parametrize("name", ["rotate90", "roll_phi"])
def test_permutations_keep_every_cell(name):
    images = batch().images
    made = run(name, **OPTIONS.get(name, {})).images
    assert not torch.equal(made, images)
    assert torch.equal(made.flatten(2).sort().values, images.flatten(2).sort().values)


def test_rotation_keeps_sums_and_turns_by_its_angle():
    images = torch.zeros(8, 2, 33, 33)
    images[:, :, 16, 20:26] = 1.0
    made = run(
        "rotate", TensorBatch(images, torch.zeros(8).long(), torch.ones(8)), JETS_LIKE, degrees=180.0
    ).images
    torch.testing.assert_close(made.sum((2, 3)), images.sum((2, 3)), rtol=1e-3, atol=1e-3)
    place = torch.arange(33.0) - 16
    x = (made[:, 0] * place[None, None, :]).sum((1, 2)) / 6
    y = (made[:, 0] * place[None, :, None]).sum((1, 2)) / 6
    torch.testing.assert_close((x**2 + y**2).sqrt(), torch.full((8,), 6.5), rtol=0.02, atol=0.1)
    assert y.std() > 1


JETS_LIKE = ImageSpec(("a", "b"), ("GeV", "GeV"), 33, 33)


def test_noise_patches_and_scale():
    images = batch().images
    noisy = run("gaussian_noise", sigma={"energy": 0.5}).images
    assert torch.equal(noisy[:, 1], images[:, 1])
    assert (noisy - images)[:, 0].std() == pytest.approx(0.5, rel=0.1)
    sparse = run("gaussian_noise", sigma=0.5, occupied=True).images
    assert torch.equal(sparse == 0, images == 0)
    masked = run("mask_patches", size=4, fraction=0.5).images
    assert ((masked == images) | (masked == 0)).all()
    assert torch.equal(run("mask_patches", fraction=1.0).images, torch.zeros_like(images))
    scaled = run("energy_scale", sigma=0.1).images
    assert torch.equal(scaled[:, 1], images[:, 1])
    ratio = scaled[:, 0].sum((1, 2)) / images[:, 0].sum((1, 2))
    assert 0.03 < ratio.std() < 0.2


def test_noise_of_random_strength():
    images = batch(400).images
    options = {"sigma": {"energy": [0.1, 0.5], "time": [0.0, 4.0]}, "probability": 0.5}
    noise = run("gaussian_noise", batch(400), **options).images - images
    widths = noise.std((2, 3))
    some = widths[:, 1] > 0
    assert 150 < some.sum() < 250
    assert (widths[~some] == 0).all()
    share = (widths[some] - torch.tensor([0.1, 0.0])) / torch.tensor([0.4, 4.0])
    assert share.min() > -0.2
    assert 0.8 < share.max() < 1.3
    assert torch.corrcoef(share.T)[0, 1] > 0.9  # one strength for all channels
    assert share[:, 1].mean() == pytest.approx(0.5, abs=0.1)


def test_mixup_labels_are_shares():
    made = run("mixup", alpha=1.0)
    assert made.labels.shape == (16, 2)
    torch.testing.assert_close(made.labels.sum(1), torch.ones(16))
    assert ((made.labels > 0.01) & (made.labels < 0.99)).any()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("flip", {}, "transform 'flip': unknown; did you mean 'flip_"),
        ("centre_crop", {"sise": 3}, "unknown option 'sise'; did you mean 'size'"),
        ("centre_crop", {"size": 9}, "size 9 must be 1 to 8"),
        ("centre_crop", {}, "size"),
        ("downsample", {"factor": 3}, "factor 3 does not divide 8 x 8"),
        ("downsample", {"factor": 2, "how": "mean"}, "how 'mean'"),
        ("select_channels", {"channels": ["enrgy"]}, "did you mean 'energy'"),
        ("sum_channels", {}, "channels in GeV, ns cannot be added"),
        ("gaussian_noise", {"sigma": [2.0, 1.0]}, "expected a number of 0 or more, or"),
        ("gaussian_noise", {"sigma": -1.0}, "expected a number of 0 or more, or"),
        ("gaussian_noise", {"sigma": {"enrgy": 1.0}}, "did you mean 'energy'"),
        ("gaussian_noise", {"sigma": 1.0, "probability": -1}, "probability -1 must be 0 to 1"),
        ("flip_phi", {"probability": 2}, "probability 2 must be 0 to 1"),
        ("reweight", {"to": "matchd"}, "did you mean 'matched'"),
    ],
)
def test_mistakes_are_named(name, options, message):
    with pytest.raises(RecipeError, match=message):
        build_transforms([Transform(name, options)], SPEC, ["a", "b"])


def test_no_eta_flip_in_detector_cells():
    cells = ImageSpec(("energy",), ("GeV",), 8, 8, {"source": "rhtree"})
    with pytest.raises(RecipeError, match="not symmetric in eta"):
        build_transforms([Transform("flip_eta")], cells, ["a", "b"])
    build_transforms([Transform("flip_eta", {"asymmetric": True})], cells, ["a", "b"])
