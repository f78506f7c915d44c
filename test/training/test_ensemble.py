from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from RecoE2E.ParticleViT.errors import ModelError, RunError
from RecoE2E.ParticleViT.models import Ensemble, build_model
from RecoE2E.ParticleViT.models.ensemble import WithStd
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec
from RecoE2E.ParticleViT.training import load_network, train
from RecoE2E.ParticleViT.training.ensemble import make_ensemble


@pytest.fixture(scope="module")
def members(tmp_path_factory, toy_recipe, toy_store) -> list[Path]:
    runs = [tmp_path_factory.mktemp("members") / str(seed) for seed in (1, 2)]
    for seed, run in enumerate(runs):
        train(toy_recipe(training__max_epochs=1, training__seed=seed), toy_store, run)
    return runs


@pytest.mark.parametrize("mean", ["probabilities", "logits"])
def test_mean_of_members(mean, members, tmp_path, toy_store):
    make_ensemble(members, tmp_path / "both", mean)
    both, plain = load_network(tmp_path / "both/checkpoints/best.ckpt")
    images = torch.from_numpy(toy_store.read("test", limit=50).images)
    parts = [load_network(member / "checkpoints/best.ckpt")[0] for member in members]
    with torch.no_grad():
        found = both(images)
        if mean == "logits":
            expected = torch.stack([part.logits(images) for part in parts]).mean(dim=0).softmax(dim=1)
        else:
            expected = torch.stack([part(images) for part in parts]).mean(dim=0)
        assert torch.allclose(both.logits(images).softmax(dim=1), found, atol=1e-6)
    assert torch.allclose(found, expected)
    assert len(plain.members) == 2
    assert both.parameter_count == 2 * parts[0].parameter_count


def test_exports_as_one_graph(members, tmp_path, toy_store):
    make_ensemble(members, tmp_path / "both")
    both, _ = load_network(tmp_path / "both/checkpoints/best.ckpt")
    images = torch.from_numpy(toy_store.read("test", limit=17).images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(both, images[:2])
        program = torch.onnx.export(
            both, (images[:2],), dynamo=True, opset_version=18, verbose=False,
            input_names=["image"], dynamic_shapes=[{0: torch.export.Dim("batch")}],
        )  # fmt: skip
    expected = both(images).detach()
    assert torch.allclose(traced(images), expected, atol=1e-6)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    np.testing.assert_allclose(session.run(None, {"image": images.numpy()})[0], expected, atol=1e-5)


def test_folders_that_are_taken(members, tmp_path, toy_recipe, toy_store):
    make_ensemble(members, tmp_path / "both")
    make_ensemble(members, tmp_path / "both")  # the same again is no mistake
    for others, mean in ((members, "logits"), (members[:1], "probabilities")):
        with pytest.raises(RunError, match="is another run already"):
            make_ensemble(others, tmp_path / "both", mean)
    with pytest.raises(ModelError, match="is an ensemble itself"):
        make_ensemble([tmp_path / "both"], tmp_path / "more")
    with pytest.raises(RunError):
        train(toy_recipe(training__max_epochs=1), toy_store, tmp_path / "both")


def test_members_that_differ():
    spec = ImageSpec((ChannelSpec("energy", "GeV", "energy"),), 12, 12, (6, 6))
    other = ImageSpec(
        (ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 12, 12, (6, 6)
    )
    first = build_model("vit", spec, ["a", "b"])
    with pytest.raises(ModelError, match="channels"):
        Ensemble([first, build_model("vit", other, ["a", "b"])])
    with pytest.raises(ModelError, match="classes"):
        Ensemble([first, build_model("vit", spec, ["a", "c"])])
    with pytest.raises(ModelError, match="did you mean 'logits'"):
        Ensemble([first], "logit")
    with pytest.raises(ModelError, match="at least 1"):
        Ensemble([])


@pytest.mark.parametrize("mean", ["probabilities", "logits"])
def test_std_is_that_of_the_members(mean, members, tmp_path, toy_store):
    make_ensemble([*members, members[0]], tmp_path / "three", mean)
    network, _ = load_network(tmp_path / "three/checkpoints/best.ckpt")
    images = torch.from_numpy(toy_store.read("test", limit=50).images)
    with torch.no_grad():
        probabilities, std = WithStd(network).eval()(images)
        each = np.stack([load_network(one / "checkpoints/best.ckpt")[0](images) for one in members])
        assert torch.equal(probabilities, network(images))
    np.testing.assert_allclose(std, each[[0, 1, 0]].std(axis=0, ddof=1), atol=1e-6)


def test_std_of_one_network_is_refused(members):
    network, _ = load_network(members[0] / "checkpoints/best.ckpt")
    for one in (network, Ensemble([network])):
        with pytest.raises(ModelError, match="scripts/ensemble.py"):
            WithStd(one)
