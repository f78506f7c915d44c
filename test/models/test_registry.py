from __future__ import annotations

import io
import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.models import build_model, list_models
from RecoE2E.ParticleViT.models.registry import model_options
from RecoE2E.ParticleViT.recipe import Preprocessing
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

SETTINGS = {
    "energy": Preprocessing(threshold=1e-3, fraction=True, transform="sqrt"),
    "time": Preprocessing(scale=50.0),
}
SIZES = [(32, 32), (33, 40)]
WITH_OPTIONS = [*((name, {}) for name in list_models()), ("reference_cnn", {"moments": True})]
LARGE = [(125, 125), (128, 128)]


def spec(height: int, width: int, channels: tuple[str, ...] = ("energy", "time")) -> ImageSpec:
    specs = tuple(ChannelSpec(name, "GeV", "energy") for name in channels)
    return ImageSpec(specs, height, width, (height // 2, width // 2))


def images(count: int, image: ImageSpec) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    dense = torch.rand(count, *image.shape, generator=generator)
    return dense * (torch.rand(dense.shape, generator=generator) < 0.1)


def shallow(name: str) -> dict:
    """Options that leave one block of each kind, for a quick export."""
    depth = model_options(name).get("depth")
    return {"depth": [1] * len(depth) if isinstance(depth, tuple) else 1} if depth else {}


def network_for(name: str, image: ImageSpec, classes: int = 2, **options):
    torch.manual_seed(1)
    settings = {channel: SETTINGS[channel] for channel in image.names if channel in SETTINGS}
    network = build_model(
        name, image, [f"class{k}" for k in range(classes)], preprocessing=settings, **options
    )
    network.fit(lambda: [images(64, image)])
    return network


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", list_models())
def test_forward_is_a_distribution(name, size):
    image = spec(*size, channels=("energy", "time", "third"))
    network = network_for(name, image, classes=3).eval()
    probabilities = network(images(5, image))
    assert probabilities.shape == (5, 3)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(5))
    empty = network(torch.zeros(2, *image.shape))
    assert empty.isfinite().all()


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("name", list_models())
def test_large_images(name, size):
    image = spec(*size, channels=("energy",))
    assert network_for(name, image).eval()(images(1, image)).shape == (1, 2)


@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_one_step_lowers_the_loss(name, options):
    network = network_for(name, spec(32, 32), **options)
    network.train()
    batch, labels = images(32, network.image), torch.arange(32) % 2
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)

    def loss() -> torch.Tensor:
        torch.manual_seed(7)  # the same dropout before and after
        return torch.nn.functional.cross_entropy(network.logits(batch), labels)

    before = loss()
    before.backward()
    assert all(p.grad is not None for p in network.parameters() if p.requires_grad)
    optimizer.step()
    assert loss() < before


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_torchscript_is_exact(name, options, size):
    network = network_for(name, spec(*size), **options).eval()
    stored = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated upstream, yet CMSSW's libtorch loads nothing else
        torch.jit.save(torch.jit.trace(network, torch.zeros(2, *network.image.shape)), stored)
        stored.seek(0)
        loaded = torch.jit.load(stored)
    for count in (1, 2, 17):
        batch = images(count, network.image)
        assert torch.allclose(loaded(batch), network(batch), atol=1e-6)


@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_onnx_is_exact_for_any_batch(name, options):
    network = network_for(name, spec(33, 40), **shallow(name), **options).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network, (images(2, network.image),), dynamo=True, opset_version=18, verbose=False,
            input_names=["image"], dynamic_shapes=[{0: torch.export.Dim("batch")}],
        )  # fmt: skip
    model = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for count in (1, 2, 17):
        batch = images(count, network.image)
        found = session.run(None, {"image": batch.numpy()})[0]
        np.testing.assert_allclose(found, network(batch).detach().numpy(), atol=1e-5)


def test_moments_change_what_the_cnn_says():
    network = network_for("reference_cnn", spec(32, 32), moments=True).eval()
    batch = images(4, network.image)
    before = network(batch)
    network.backbone.backbone.moments.get_buffer("mean").add_(1.0)
    assert not torch.allclose(network(batch), before)


def test_published_sizes():
    assert network_for("reference_cnn", spec(32, 32)).parameter_count == 30_465
    assert network_for("reference_vit", spec(32, 32)).parameter_count == 1_455_873
    hybrid, reference = (network_for(name, spec(32, 32)) for name in ("hybrid_vit", "reference_vit"))
    assert 5 * hybrid.flops_per_event() <= reference.flops_per_event()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("simple_vti", {}, "did you mean 'simple_vit'"),
        ("vit", {"depht": 3}, "did you mean 'depth'"),
        ("vit", {"depth": "three"}, "expected int"),
        ("vit", {"pool": "max"}, "does not fit"),
        ("hybrid_vit", {"dim": 50, "heads": 4}, "multiple of heads"),
    ],
)
def test_wrong_options(name, options, message):
    with pytest.raises(ModelError, match=message) as raised:
        build_model(name, spec(32, 32), ["a", "b"], **options)
    assert "\n" not in str(raised.value)


def test_too_small_image():
    with pytest.raises(ModelError, match="at least 24 x 24"):
        build_model("reference_cnn", spec(16, 16), ["a", "b"])


def test_vit_pytorch_package_stays_untouched():
    import sys

    network_for("vit", spec(32, 32))
    assert "vit_pytorch" not in sys.modules
