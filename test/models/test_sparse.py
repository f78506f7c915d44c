from __future__ import annotations

import io
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.models import build_model
from RecoE2E.ParticleViT.models.cells import NEAR, Cells, HighestCells
from RecoE2E.ParticleViT.models.sparse import FAR, RelativePosition, group_by_hits, is_large
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

PT = (ChannelSpec("pt", "GeV", "momentum"),)
SPEC = ImageSpec((*PT, ChannelSpec("time", "ns", "time")), 12, 9, (6, 4))


def sparse(seed: int, shape: tuple[int, ...] = (8, 2, 12, 9), density: float = 0.2) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    cells = torch.rand(shape, generator=random)
    return cells * (torch.rand(shape, generator=random) < density) * 100


def network(image: ImageSpec = SPEC, **options):
    torch.manual_seed(1)
    built = build_model("sparse_vit", image, ["a", "b"], **{"cells": 16, "dim": 16, "depth": 1, **options})
    for parameter in built.backbone.position.parameters():
        torch.nn.init.normal_(parameter)
    built.fit(lambda: [sparse(100, (64, *image.shape))])
    return built.eval()


def traced(built: torch.nn.Module) -> torch.nn.Module:
    stored = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated upstream
        torch.jit.save(torch.jit.trace(built, torch.zeros(2, *built.image.shape)), stored)
        stored.seek(0)
        return torch.jit.load(stored)


def onnx_session(built: torch.nn.Module) -> onnxruntime.InferenceSession:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            built, (torch.zeros(2, *built.image.shape),), dynamo=True, opset_version=18, verbose=False,
            input_names=["image"], dynamic_shapes=[{0: torch.export.Dim("batch")}],
        )  # fmt: skip
    model = program.model_proto.SerializeToString()
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def awkward_images(image: ImageSpec) -> dict[str, torch.Tensor]:
    """Images that a selection of the highest cells may trip over."""
    one = torch.zeros(1, *image.shape)
    single, few = one.clone(), sparse(5, (1, *image.shape), density=0.05)
    single[0, 0, 3, 4] = 20.0
    return {
        "empty": one,
        "equal": torch.full_like(one, 3.0),
        "negative": torch.full_like(one, -3.0),
        "single": single,
        "fewer than cells": few,
        "two values": (sparse(6, (1, *image.shape), density=0.5) > 0).float() + 1.0,
        "huge": torch.full_like(one, 1e30),
        "tiny": torch.full_like(one, 1e-30),
        "full": torch.rand(one.shape, generator=torch.Generator().manual_seed(3)) * 50,
    }


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_the_highest_cells_are_taken_and_of_equal_ones_the_first(seed, count):
    image = sparse(seed, (3, 1, 12, 9)).div(20).round()  # many equal cells
    select = HighestCells((1, 12, 9), count)
    cells = select(image)
    for one, index, values, hit in zip(image, cells.cell, cells.values, cells.hit, strict=True):
        order = np.argsort(-one.flatten().numpy(), kind="stable")[:count]
        order = [index for index in order if one.flatten()[index] > 0]
        found = sorted(index[hit > 0].tolist())
        assert found == sorted(order)
        assert values.sum() == one.flatten()[order].sum()
        assert hit.sum() == len(order)


def test_times_do_not_select_but_are_seen():
    built = network()
    image = sparse(1)
    late = image * torch.tensor([1.0, -3.0]).reshape(-1, 1, 1)
    cells, others = built.backbone.select(image), built.backbone.select(late)
    assert torch.equal(cells.cell, others.cell)
    assert torch.equal(cells.share, others.share)
    assert not torch.allclose(built(image), built(late))
    only_times = image * torch.tensor([0.0, 1.0]).reshape(-1, 1, 1)
    assert built.backbone.select(only_times).hit.sum() == 0


def test_cells_below_those_of_the_training_are_no_hits():
    """Noise below the lowest hits of the training changes nothing."""
    image = sparse(2, (64, 1, 12, 9)) + 1.0 * (sparse(2, (64, 1, 12, 9)) > 0)
    select = HighestCells((1, 12, 9), 40)
    select.fit(lambda: [image], torch.tensor([True]))
    noisy = torch.where(image == 0, 0.5, image)
    assert torch.equal(select(noisy).hit.sum(1), select(image).hit.sum(1))
    assert (select(image).hit.sum(1) >= (image > 1.5).sum((1, 2, 3)).clamp(max=40)).all()


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_of_many_equal_hits_none_are_dropped(step):
    """Counts and images of 0 and 1: the lowest value is no noise."""
    image = (sparse(2, (64, 1, 12, 9)) > 0) * (1.0 + step * (sparse(3, (64, 1, 12, 9)) > 0))
    select = HighestCells((1, 12, 9), 12 * 9)
    select.fit(lambda: [image], torch.tensor([True]))
    assert select(image).hit.sum() == (image > 0).sum()


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5])
def test_small_windows_in_every_runtime(side):
    """What is near a cell never changes there: rounding must not be taken for a signal."""
    spec = ImageSpec(PT, side, side, (side // 2, side // 2))
    built = network(spec)
    image = sparse(4, (64, *spec.shape), density=0.9)
    together = built(image).detach()
    torch.testing.assert_close(torch.cat([built(one[None]) for one in image]), together, atol=1e-5, rtol=0)
    found = onnx_session(built).run(None, {"image": image.numpy()})[0]
    np.testing.assert_allclose(found, together, atol=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(value):
    built = network()
    image = sparse(1, (2, *SPEC.shape))
    session = onnx_session(built)
    runtimes = (built, traced(built), lambda x: session.run(None, {"image": x.numpy()})[0])
    for channel in range(SPEC.shape[0]):
        spoilt = image.clone()
        spoilt[1, channel, 2, 3] = value
        for runtime in runtimes:
            scores = torch.as_tensor(runtime(spoilt)).detach()
            assert scores[0].isfinite().all()
            assert not scores[1].isfinite().any()


def select(built, image) -> tuple[Cells, torch.Tensor]:
    cells = built.backbone.select(image)
    return cells, built.backbone.position(cells)[1].detach()


def test_features_are_standardised_over_the_hits():
    built = network()
    cells, near = select(built, sparse(100, (64, *SPEC.shape)))
    features = built.backbone.features
    rows = features.physical(cells, near)[cells.hit > 0]
    made = (rows - features.scaler.mean) / features.scaler.std
    torch.testing.assert_close(made.mean(0), torch.zeros(features.count), atol=1e-4, rtol=0)
    spread = made.std(0, correction=0)
    assert ((spread - 1).abs() < 0.01).logical_or(spread < 1e-4).all()
    assert (spread > 0.5).sum() == features.count - 5  # time: log, share, root, total; pt: time
    found = features(cells, near)
    assert (found[cells.hit == 0] == 0).all()
    assert found.abs().max() <= 5


def test_features_of_two_cells_by_hand():
    """A cell with 30 GeV and one with 10 GeV, three rows and four columns apart."""
    spec = ImageSpec(PT, 12, 9, (6, 4))
    image = torch.zeros(1, 1, 12, 9)
    image[0, 0, 2, 1], image[0, 0, 5, 5] = 30.0, 10.0
    built = network(spec, cells=2)
    cells, near = select(built, image)
    of_cells = built.backbone.features.physical(cells, near)
    first, second = of_cells[0] if cells.cell[0, 0] == 2 * 9 + 1 else of_cells[0].flip(0)
    assert first[8:10].tolist() == [2, 1]
    assert second[8:10].tolist() == [5, 5]
    for power, offset, far in zip((1, 2, 4, 8), first[10:18].reshape(4, 2), first[18:22], strict=True):
        other = 1 / (1 + 3**power)  # weight of the second cell
        torch.testing.assert_close(offset, -other * torch.tensor([3.0, 4.0]), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(far, torch.tensor(5 * other), atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(first[2:5].exp(), np.array([0.75, 0.75, 1.0]) + 1e-3, rtol=1e-5)
    np.testing.assert_allclose(second[2:5].exp(), np.array([0.25, 0.25, 1.0]) + 1e-3, rtol=1e-5)


def test_float32_keeps_the_place_of_a_shower_in_a_large_image():
    """Offsets from the centres are as exact as in a small image: what is not, the exports' scores amplify."""
    spec = ImageSpec(PT, 128, 128, (64, 64))
    image = torch.zeros(16, 1, 128, 128)
    image[:, :, 61:68, 61:68] = sparse(1, (16, 1, 7, 7), density=0.8)
    built = network(spec, cells=32)
    cells, near = select(built, image)
    found = built.backbone.features.physical(cells, near)[:, :, 10:18]
    share = cells.share.double()
    place = torch.stack([cells.cell // 128, cells.cell % 128], dim=2).double()
    for number, power in enumerate((1, 2, 4, 8)):
        weights = share**power / (share**power).sum(1, keepdim=True)
        expected = place - (weights.unsqueeze(2) * place).sum(1, keepdim=True)
        offset = found[:, :, 2 * number : 2 * number + 2].double()
        inside = cells.hit.unsqueeze(2) > 0
        assert ((offset - expected).abs() * inside).max() < 1e-6


@pytest.mark.parametrize(("height", "width", "reach"), [(12, 9, 32), (40, 9, 9), (125, 125, 32)])
def test_position_is_a_function_of_the_offset(height, width, reach):
    position = RelativePosition(height, width, 2, reach)
    torch.nn.init.normal_(position.table)
    assert position.table.shape[1] <= (2 * reach - 1) ** 2
    random = torch.Generator().manual_seed(1)
    index = torch.randint(height * width, (3, 20), generator=random)
    place = torch.stack([index // width, index % width], 1)
    hit = (torch.rand(3, 20, generator=random) < 0.8).float()
    found, close = position(Cells(torch.zeros(3, 1, 20), index, torch.zeros(3, 20), hit))  # (N, heads, K, K)
    apart = (place.unsqueeze(3) - place.unsqueeze(2)).abs().amax(1)
    near = torch.stack([(apart <= far) & (hit.unsqueeze(1) > 0) for far in NEAR], 1)
    assert torch.equal(close, near.float())
    assert (found.transpose(1, 3)[hit == 0] == -FAR).all()
    seen = {}
    for n, i, j in np.argwhere(hit.unsqueeze(1).expand(3, 20, 20).numpy() > 0).tolist():
        offset = tuple((place[n, :, i] - place[n, :, j]).tolist())
        value = tuple(found[n, :, i, j].tolist())
        assert seen.setdefault(offset, value) == value
    near = [value for offset, value in seen.items() if max(map(abs, offset)) < reach // 2]
    assert len(set(near)) == len(near)  # each has its own entry


def test_the_order_of_cells_and_empty_places_do_not_matter():
    """More places than hits give the same answer as exactly enough."""
    image = sparse(7, (1, 1, 12, 9), density=0.1)
    spec = ImageSpec(PT, 12, 9, (6, 4))
    hits = int((image > 0).sum())
    exact, roomy = network(spec, cells=hits), network(spec, cells=hits + 20)
    roomy.load_state_dict(exact.state_dict())
    torch.testing.assert_close(exact(image), roomy(image), atol=1e-6, rtol=0)


def test_training_without_the_empty_places_gives_the_same():
    spec = ImageSpec(PT, 12, 9, (6, 4))
    built = network(spec, cells=60, dropout=0.0)
    image = sparse(9, (200, 1, 12, 9)) * torch.linspace(0, 1, 200).reshape(-1, 1, 1, 1).round(decimals=1)
    image[17] = 0
    expected = built.logits(image)
    torch.testing.assert_close(built.train().logits(image), expected, atol=1e-5, rtol=0)
    assert len(group_by_hits(built.backbone.select(image))) == 4


def test_awkward_images_in_every_runtime():
    built = network()
    script, session = traced(built), onnx_session(built)
    for name, image in awkward_images(SPEC).items():
        expected = built(image).detach()
        assert expected.isfinite().all(), name
        torch.testing.assert_close(script(image), expected, atol=1e-6, rtol=0)
        np.testing.assert_allclose(
            session.run(None, {"image": image.numpy()})[0], expected, atol=1e-5, err_msg=name
        )


def test_any_batch_in_onnx():
    built = network()
    session = onnx_session(built)
    batch = sparse(11, (1024, *SPEC.shape)).div(10).round()  # with equal cells
    together = session.run(None, {"image": batch.numpy()})[0]
    np.testing.assert_allclose(together, built(batch).detach(), atol=1e-5)
    for count in (1, 2, 17):
        found = session.run(None, {"image": batch[:count].numpy()})[0]
        np.testing.assert_allclose(found, together[:count], atol=1e-5)


def test_more_cells_than_the_image_has():
    built = network(cells=500)
    assert built(sparse(1)).isfinite().all()
    assert built.backbone.select.count == 12 * 9


def test_a_large_batch_is_evaluated_in_parts_and_gives_the_same():
    spec = ImageSpec(PT, 33, 33, (16, 16))
    built = network(spec, cells=33 * 33)
    images = sparse(13, (40, *spec.shape))
    assert is_large(built.backbone.select(images))
    assert not is_large(built.backbone.select(images[:20]))
    alone = torch.cat([built(images[:20]), built(images[20:])])
    torch.testing.assert_close(built(images), alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(traced(built)(images), alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cells": 0}, "cells 0 must be 1 or more"),
        ({"cells": "many"}, "expected int"),
        ({"dim": 50}, "dim 50 must be a multiple of heads 4"),
        ({"depth": -1}, "depth -1 must be 0 or more"),
        ({"heads": 0}, "heads 0 must be 1 or more"),
        ({"drop_path": 1.0}, "drop_path 1.0 must be 0 or more and below 1"),
        ({"reach": 8}, "reach 8 must be 9 or more"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ModelError, match=message):
        build_model("sparse_vit", SPEC, ["a", "b"], **options)


def test_fit_needs_images():
    with pytest.raises(ModelError, match="at least 1 training image"):
        build_model("sparse_vit", SPEC, ["a", "b"]).backbone.fit(list, torch.tensor([True, False]))


def test_cost_does_not_depend_on_the_image():
    small = build_model("sparse_vit", ImageSpec(PT, 32, 32, (16, 16)), ["a", "b"])
    large = build_model("sparse_vit", ImageSpec(PT, 125, 125, (62, 62)), ["a", "b"])
    assert small.flops_per_event() == large.flops_per_event()
    assert small.parameter_count == large.parameter_count
    cnn = build_model("reference_cnn", ImageSpec(PT, 32, 32, (16, 16)), ["a", "b"])
    assert small.flops_per_event() < cnn.flops_per_event()
