"""Steps on pixels and shape are modules: described, exported, and the same in every backend."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

from RecoE2E.ParticleViT.auc import auc
from RecoE2E.ParticleViT.deployment.export import export_run
from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.evaluation.evaluate import evaluate_run
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.models.steps import build_steps, list_steps
from RecoE2E.ParticleViT.recipe import Transform, parse_recipe
from RecoE2E.ParticleViT.store import ChannelSpec, Grid, ImageSpec, open_store
from RecoE2E.ParticleViT.training import train

ENERGY, TIME = ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")
SPEC = ImageSpec((ENERGY, TIME), 8, 8, (4, 4))
ENERGIES = ImageSpec((replace(ENERGY, name="a"), replace(ENERGY, name="b")), 8, 8, (4, 4))
JETS = ImageSpec(tuple(replace(ENERGY, name=name) for name in ("tracks", "ecal", "hcal")), 125, 125, (62, 62))
OPTIONS = {
    "centre_crop": {"size": 4}, "downsample": {"factor": 2, "counts": ["energy"]},
    "select_channels": {"channels": ["energy"]}, "zero_suppress": {"threshold": 5.0},
}  # fmt: skip


def images(spec=SPEC, count=16):
    random = torch.Generator().manual_seed(1)
    made = torch.rand((count, *spec.shape), generator=random)
    return made * (torch.rand(made.shape, generator=random) < 0.3)


def apply(name, spec=SPEC, batch=None, **options):
    steps, result = build_steps([Transform(name, options)], spec)
    made = steps(images(spec) if batch is None else batch)
    assert made.shape[1:] == result.shape
    return made


@pytest.mark.parametrize("name", list_steps())
def test_every_step_keeps_its_contract(name):
    spec = ENERGIES if name == "sum_channels" else SPEC
    before = images(spec)
    kept = before.clone()
    made = apply(name, spec, before, **OPTIONS.get(name, {}))
    assert made.dtype == torch.float32
    assert torch.equal(before, kept)  # not in place
    assert torch.equal(apply(name, spec, before, **OPTIONS.get(name, {})), made)


def test_reference_quark_gluon_images():
    """125 x 125 x 3 -> 33 x 33 x 1: the reference CNN's input."""
    entries = [Transform("centre_crop", {"size": 33}), Transform("sum_channels"), Transform("l2_normalise")]
    steps, spec = build_steps(entries, JETS)
    assert (spec.shape, spec.units, spec.kinds, spec.seed) == ((1, 33, 33), ("GeV",), ("energy",), (16, 16))
    batch = images(JETS, 4)
    made = steps(batch)
    expected = batch[:, :, 46:79, 46:79].sum(1, keepdim=True)
    torch.testing.assert_close(made.square().sum((1, 2, 3)), torch.ones(4))
    torch.testing.assert_close(made[0, 0, 16, 16] / made[0].max(), expected[0, 0, 16, 16] / expected[0].max())


def test_a_crop_keeps_the_seed_wherever_it_is():
    spec = replace(SPEC, seed=(3, 5))
    steps, result = build_steps([Transform("centre_crop", {"size": 4})], spec)
    batch = images(spec)
    row, column = result.seed
    assert torch.equal(steps(batch)[:, :, row, column], batch[:, :, 3, 5])


def test_downsample_sums_or_takes_the_largest():
    blocks = images().reshape(16, 2, 4, 2, 4, 2)
    torch.testing.assert_close(apply("downsample", factor=2), blocks.sum((3, 5)))
    torch.testing.assert_close(apply("downsample", factor=2, how="max"), blocks.amax((3, 5)))


def test_downsample_counts_the_cells_that_were_hit():
    batch = images()
    steps, spec = build_steps([Transform("downsample", {"factor": 2, "counts": ["energy"]})], SPEC)
    made = steps(batch)
    assert spec.names == ("energy", "time", "energy_count")
    assert (spec.units[2], spec.kinds[2], spec.shape) == ("1", "count", (3, 4, 4))
    assert torch.equal(made[:, :2], apply("downsample", factor=2))
    assert torch.equal(made[:, 2], (batch[:, 0] > 0).float().reshape(16, 4, 2, 4, 2).sum((2, 4)))
    assert not apply("downsample", batch=-batch, factor=2, counts=["energy"])[:, 2].any()


def test_counts_need_a_name_of_their_own():
    taken = replace(SPEC, channels=(ENERGY, replace(TIME, name="energy_count")))
    with pytest.raises(RecipeError, match="counts: the image has a channel energy_count already"):
        build_steps([Transform("downsample", {"factor": 2, "counts": ["energy"]})], taken)


def test_values():
    batch = images()
    assert torch.equal(apply("zero_suppress", threshold=0.5), torch.where(batch < 0.5, 0, batch))
    torch.testing.assert_close(apply("log1p", batch=-batch, scale=2.0), -(batch / 2).log1p())
    assert torch.equal(apply("select_channels", channels=["time", "energy"]), batch[:, [1, 0]])


def test_mini_tier_keeps_what_miniaod_has():
    spec = ImageSpec((ENERGY, TIME), 16, 16, (8, 8))
    batch = torch.zeros(1, 2, 16, 16)
    batch[0, 0, 8, 8], batch[0, 1, 8, 8] = 40.0, 0.1  # the seed
    batch[0, 0, 10, 10], batch[0, 1, 10, 10] = 0.05, -3.0  # within 5 x 5 of it
    batch[0, 0, 8, 12] = 1.0  # a cluster of bremsstrahlung
    batch[0, 0, 7, 14] = 0.03  # within 5 x 5 of that
    batch[0, 0, 1, 1] = 5.0  # far in eta: another object's
    batch[0, 0, 8, 3] = 0.2  # no cluster: below the threshold
    made = apply("mini_tier", spec, batch)
    kept = {(8, 8), (10, 10), (8, 12), (7, 14)}
    assert {tuple(cell) for cell in made[0, 0].nonzero().tolist()} == kept
    assert torch.equal(made[:, :, 8, 8], batch[:, :, 8, 8])
    assert made[0, 1, 10, 10] == -3.0
    assert torch.equal(apply("mini_tier", spec, made), made)  # MiniAOD itself loses nothing
    assert build_steps([Transform("mini_tier")], spec)[1].tier == "mini"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("flip_phi", {}, "transforms 'flip_phi': no step .*belongs to training.augmentation"),
        ("centre_crop", {"sise": 3}, "unknown option 'sise'; did you mean 'size'"),
        ("centre_crop", {"size": 9}, r"size 9 does not fit around the seed \(4, 4\) of 8 x 8"),
        ("centre_crop", {}, "size"),
        ("downsample", {"factor": 3}, "factor 3 does not divide 8 x 8"),
        ("downsample", {"factor": 2, "how": "mean"}, "option how is 'mean'; known: max, sum"),
        ("downsample", {"factor": 2, "counts": ["enrgy"]}, "did you mean 'energy'"),
        ("zero_suppress", {"threshold": {"energy": 0.5}}, "option threshold is {.*}; expected float"),
        ("select_channels", {"channels": ["enrgy"]}, "did you mean 'energy'"),
        ("sum_channels", {}, "channels in GeV, ns cannot be added"),
        ("log1p", {"scale": 0.0}, "scale 0.0 must be above 0"),
        ("mini_tier", {"least": -1.0}, "least -1.0 must be above 0"),
    ],
)
def test_mistakes_are_named(name, options, message):
    with pytest.raises(RecipeError, match=message):
        build_steps([Transform(name, options)], SPEC)


def test_mini_tier_needs_crystals_and_one_energy():
    for spec in (ENERGIES, replace(SPEC, grid=Grid("eta_phi", 0.4, 0.4))):
        with pytest.raises(RecipeError, match="needs one channel of kind energy in crystals"):
            build_steps([Transform("mini_tier")], spec)


@pytest.mark.parametrize("name", list_steps())
def test_what_is_quoted_is_what_raw_images_get_everywhere(name, small_store, tmp_path):
    """The AUC in metrics.json is that of ONNX Runtime, and of load_run, on raw images of the store."""
    entries = [{"name": name, "options": OPTIONS.get(name, {})}]
    if name == "sum_channels":
        entries.insert(0, {"name": "select_channels", "options": {"channels": ["energy"]}})
    run = tmp_path / "run"
    train(_recipe(entries), open_store(small_store), run)
    evaluate_run(run)
    quoted = json.loads((run / "metrics.json").read_text())["test"]["auc"]
    quoted = pytest.approx(quoted, abs=1e-4)  # rounding may swap a few of 22,500 pairs
    export_run(run)
    batch = open_store(small_store).read("test")
    session = onnxruntime.InferenceSession(run / "export/model.onnx", providers=["CPUExecutionProvider"])
    (onnx,) = session.run(None, {"image": batch.images})
    assert auc(batch.labels, np.asarray(onnx)).value == quoted
    assert auc(batch.labels, load_run(run).predict(batch.images)).value == quoted
    description = json.loads((run / "export/model.json").read_text())["image"]
    assert (description["height"], description["seed"]) == (24, [12, 12])  # of the raw image


def _recipe(transforms):
    content = {
        "name": "small",
        "classes": ["a", "b"],
        "image": {
            "channels": [{"name": "energy"}, {"name": "time", "unit": "ns", "kind": "time"}],
            "height": 24,
            "width": 24,
        },
        "transforms": transforms,
        "model": {"name": "vit", "options": {"dim": 16, "depth": 1, "mlp_dim": 16}},
        "training": {"max_epochs": 1, "batch_size": 128, "threads": 1, "limit": 512},
    }
    content["inputs"] = {"source": "images"}
    return parse_recipe(content, {}, "small.yaml")
