from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.evaluation.robustness import perturb
from RecoE2E.ParticleViT.recipe import Transform
from RecoE2E.ParticleViT.simulation.shower import deposit
from RecoE2E.ParticleViT.store import ChannelSpec, Domain, Grid, ImageSpec
from RecoE2E.ParticleViT.streaming import TensorBatch, build_transforms, list_transforms
from RecoE2E.ParticleViT.streaming.augmentation import turned
from RecoE2E.ParticleViT.streaming.registry import generator
from RecoE2E.ParticleViT.streaming.transforms import apply_transforms

SPEC = ImageSpec((ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 8, 8, (4, 4))
WINDOW = dataclasses.replace(SPEC, grid=Grid("eta_phi", 0.8, 0.8))
OPTIONS = {"roll_phi": {"cells": 2}, "gaussian_noise": {"sigma": 0.1}}


def batch(count=16, spec=SPEC):
    random = torch.Generator().manual_seed(1)
    images = torch.rand((count, *spec.shape), generator=random)
    images *= torch.rand(images.shape, generator=random) < 0.3
    return TensorBatch(images, torch.arange(count) % 2, torch.ones(count))


def run(name, images=None, spec=SPEC, seed=3, **options):
    steps = build_transforms([Transform(name, options)], spec, ["a", "b"])
    made = apply_transforms(steps, images or batch(spec=spec), generator(seed))
    assert made.images.shape[1:] == spec.shape
    return made


@pytest.mark.parametrize("name", list_transforms())
def test_every_transform_keeps_its_contract(name):
    before = batch()
    kept = before.images.clone()
    made = run(name, before, **OPTIONS.get(name, {}))
    assert made.images.dtype == made.weights.dtype == torch.float32
    assert len(made.images) == len(made.labels) == len(made.weights) == 16
    assert torch.equal(before.images, kept)  # not in place
    assert torch.equal(run(name, before, **OPTIONS.get(name, {})).images, made.images)  # seeded


@pytest.mark.parametrize(("name", "axis"), [("flip_eta", 2), ("flip_phi", 3)])
def test_flips_of_windows(name, axis):
    images = batch().images
    assert torch.equal(run(name, spec=WINDOW, probability=1.0).images, images.flip(axis))
    assert torch.equal(run(name, spec=WINDOW, probability=0.0).images, images)
    some = run(name, spec=WINDOW).images
    flipped = [torch.equal(a, b.flip(axis - 1)) for a, b in zip(some, images, strict=True)]
    assert 0 < sum(flipped) < 16


@pytest.mark.parametrize(("name", "axis"), [("flip_eta", 2), ("flip_phi", 3)])
@pytest.mark.parametrize("seed", [2, 4, 5])
def test_flips_of_crops_keep_the_seed_in_its_cell(name, axis, seed):
    images = batch().images
    made = run(name, spec=dataclasses.replace(SPEC, seed=(seed, seed)), probability=1.0).images
    for place in range(8):
        source = 2 * seed - place
        expected = images.select(axis, source) if 0 <= source < 8 else torch.zeros(16, 2, 8)
        assert torch.equal(made.select(axis, place), expected)


def test_half_turn_is_both_mirrors():
    both = run("flip_phi", run("flip_eta", probability=1.0), probability=1.0).images
    assert torch.equal(run("half_turn", probability=1.0).images, both)


def test_the_half_barrels_are_half_turns_of_each_other():
    """Of the simulation's showers, which lean with the crystals; one mirror alone makes others."""
    row, column = np.full(2000, 10.7), np.full(2000, 10.3)
    seen = []
    for mirror in (False, True):
        place = (21 - row, 21 - column) if mirror else (row, column)
        mirrored = np.full(2000, mirror)
        energy, random = np.full(2000, 50.0), np.random.default_rng(1)
        made = deposit(np.arange(2000), energy, *place, mirrored, (2000, 21, 21), random, np.ones(2000))
        seen.append(torch.from_numpy(made.mean(0, keepdims=True))[None].float())
    spec = ImageSpec((SPEC.channels[0],), 21, 21, (10, 10))
    plus, minus = (TensorBatch(one, torch.zeros(1).long(), torch.ones(1)) for one in seen)
    turned = run("half_turn", plus, spec, probability=1.0).images
    alone = run("flip_eta", plus, spec, probability=1.0).images
    torch.testing.assert_close(turned, minus.images, rtol=1e-4, atol=1e-4)
    assert (alone - minus.images).abs().max() > 0.5  # GeV, of 50


@pytest.mark.parametrize("name", ["flip_eta", "half_turn"])
def test_crops_of_one_side_of_the_detector_are_not_mirrored_to_the_other(name):
    for rows, refused in (((55.0, 130.0), True), ((150.0, 224.0), True), ((60.0, 220.0), False)):
        spec = dataclasses.replace(SPEC, domain=Domain(seed_rows=rows))
        if refused:
            with pytest.raises(RecipeError, match="one side of the detector"):
                run(name, spec=spec)
        else:
            run(name, spec=spec)
    with pytest.raises(RecipeError, match=r"seed \[0, 4\] lies near the edge"):
        run(name, spec=dataclasses.replace(SPEC, seed=(0, 4)))


@pytest.mark.parametrize("seed", [(4, 4), (3, 4), (2, 5)])
def test_crops_are_turned_about_their_seed_in_training_and_in_the_scan(seed):
    spec = dataclasses.replace(SPEC, seed=seed)
    images = batch().images
    for k in range(4):
        made = turned(images, torch.full((len(images),), k), spec)
        assert torch.equal(made[(..., *seed)], images[(..., *seed)])
        scanned = perturb(images.numpy(), spec, "rotation", 90.0 * k, np.ones(2), 1)
        assert np.array_equal(made.numpy(), scanned)
    half = turned(images, torch.full((len(images),), 2), spec)
    assert torch.equal(half, run("half_turn", spec=spec, probability=1.0).images)


def test_jets_are_turned_about_the_middle():
    images = batch().images
    for k in range(4):
        made = turned(images, torch.full((len(images),), k), WINDOW)
        assert torch.equal(made, torch.rot90(images, k, (2, 3)))


def test_any_rotation_leaves_the_seed_of_a_crop():
    images = torch.zeros(8, 2, 8, 8)
    images[:, :, 4, 4] = 1.0
    made = run("rotate", TensorBatch(images, torch.zeros(8).long(), torch.ones(8)), SPEC).images
    place = torch.arange(8.0)
    for axis in (2, 3):  # of the centroid
        centre = (made.sum(5 - axis) * place).sum(2) / made.sum((2, 3))
        torch.testing.assert_close(centre, torch.full((8, 2), 4.0))


@pytest.mark.parametrize("name", ["rotate90", "roll_phi"])
def test_permutations_keep_every_cell(name):
    images = batch().images
    made = run(name, spec=WINDOW, **OPTIONS.get(name, {})).images
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


JETS_LIKE = ImageSpec(
    (ChannelSpec("a", "GeV", "energy"), ChannelSpec("b", "GeV", "energy")), 33, 33, (16, 16)
)


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
        ("flip", {}, "training.augmentation 'flip': unknown .*did you mean 'flip_"),
        ("centre_crop", {"size": 4}, r"steps on pixels or shape of all images belong to transforms"),
        ("roll_phi", {"cels": 3}, "unknown option 'cels'; did you mean 'cells'"),
        ("roll_phi", {}, "cells"),
        ("gaussian_noise", {"sigma": [2.0, 1.0]}, "expected a number of 0 or more, or"),
        ("gaussian_noise", {"sigma": -1.0}, "expected a number of 0 or more, or"),
        ("gaussian_noise", {"sigma": {"enrgy": 1.0}}, "did you mean 'energy'"),
        ("gaussian_noise", {"sigma": 1.0, "probability": -1}, "probability -1 must be 0 to 1"),
        ("flip_phi", {"probability": 2}, "probability 2 must be 0 to 1"),
        ("roll_phi", {"cells": -3}, "cells -3 must be 0 to 8"),
        ("roll_phi", {"cells": 10**20}, "must be 0 to 8"),
        ("mask_patches", {"fraction": 5}, "fraction 5 must be 0 to 1"),
        ("energy_scale", {"sigma": -1}, "sigma -1 must be 0 or more"),
        ("energy_scale", {"sigma": float("nan")}, "sigma nan must be 0 or more"),
        ("rotate", {"degrees": float("inf")}, "degrees inf must be 0 or more"),
        ("mixup", {"alpha": float("nan")}, "alpha nan must be above 0"),
        ("gaussian_noise", {"sigma": float("inf")}, "expected a number of 0 or more"),
        ("disturb", {"noise": float("nan")}, "noise nan must be 0 or more"),
        ("reweight", {"to": "matchd"}, "did you mean 'matched'"),
    ],
)
def test_mistakes_are_named(name, options, message):
    with pytest.raises(RecipeError, match=message):
        build_transforms([Transform(name, options)], SPEC, ["a", "b"])


def test_disturb_leaves_the_others_clean_and_uses_every_way():
    images = batch(4000)
    made = run("disturb", images, probability=0.5).images
    same = (made == images.images).flatten(1).all(dim=1)
    assert 0.47 < same.float().mean() < 0.55  # a turned or dead image may be the same
    assert torch.equal(run("disturb", images, probability=0.0).images, images.images)
    empty = images.images == 0
    assert (
        0.05 < ((made != 0) & empty).flatten(1).any(dim=1).float().mean() < 0.2
    )  # noise and turns: a third of half


@pytest.mark.parametrize(
    ("only", "check"),
    [
        ("noise", lambda made, images: (made - images)[images != 0].std() < 0.3 * images[images != 0].std()),
        ("dead", lambda made, images: ((made == images) | (made == 0)).all()),
        ("masked", lambda made, images: ((made == images) | (made == 0)).all()),
        ("scale", lambda made, images: (made <= images * 1.2001).all() & (made[:, 1] == images[:, 1]).all()),
        ("jitter", lambda made, images: (made[:, 0] == images[:, 0]).all() & (made[images == 0] == 0).all()),
        ("turn", lambda made, images: torch.equal(*(x.flatten(2).sort().values for x in (made, images)))),
    ],
)  # fmt: skip
def test_disturb_one_way(only, check):
    images = batch(200)
    off = {"noise": 0.0, "dead": 0.0, "masked": 0.0, "scale": 0.0, "jitter": 0.0, "turn": False}
    options = {name: value for name, value in off.items() if name != only}
    made = run("disturb", images, spec=WINDOW, probability=1.0, **options).images
    assert not torch.equal(made, images.images)
    assert check(made, images.images)
    assert torch.equal(run("disturb", images, probability=1.0, **off).images, images.images)


@pytest.mark.parametrize(("options", "words"), [({"noise": -1.0}, "noise -1.0"), ({"dead": 2.0}, "dead 2.0")])
def test_disturb_refuses_nonsense(options, words):
    with pytest.raises(RecipeError, match=words):
        run("disturb", **options)
