"""The recipe's optimiser: which parameters it treats how, and that nothing of it is lost."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch.optim import AdamW

from RecoE2E.ParticleViT.models import build_model
from RecoE2E.ParticleViT.recipe import Training
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec
from RecoE2E.ParticleViT.training.muon import PortableMuon
from RecoE2E.ParticleViT.training.optimizer import make_optimizer, muon_matrices

IMAGE = ImageSpec((ChannelSpec("energy", "GeV", "energy"),), 24, 24, (12, 12))
MUON = Training(optimizer="muon", learning_rate=1e-2, weight_decay=0.0)


def network_of(name, **options):
    torch.manual_seed(1)
    network = build_model(name, IMAGE, ["a", "b"], **options)
    network.fit(lambda: [images(0)])
    return network


def images(seed):
    random = torch.Generator().manual_seed(seed)
    dense = torch.rand(32, *IMAGE.shape, generator=random)
    return dense * (torch.rand(dense.shape, generator=random) < 0.2)


def steps(network, optimizer, seeds):
    for seed in seeds:
        optimizer.zero_grad()
        torch.manual_seed(seed)  # dropout
        logits = network.logits(images(seed))
        torch.nn.functional.cross_entropy(logits, torch.arange(32) % 2).backward()
        optimizer.step()


@pytest.mark.parametrize("name", ["sparse_vit", "hybrid_vit", "vit"])
def test_muon_moves_matrices_of_blocks_in_all_directions_alike(name):
    """The first step is lr x 0.2 x root of the longer side x a matrix of singular values of at most about 1.

    How many of them count is told by their sum over the largest: more than in the gradient.
    """
    network = network_of(name)
    before = copy.deepcopy(network)
    steps(network, make_optimizer(network, MUON, fused=False), [1])
    found = 0
    for key, parameter in network.named_parameters():
        inside = (".blocks." in key or ".layers." in key) and parameter.ndim == 2
        change = parameter.detach() - before.get_parameter(key).detach()
        if inside:
            found += 1
            scaled = torch.linalg.svdvals(change) / (1e-2 * 0.2 * math.sqrt(max(change.shape)))
            assert 0.6 < scaled.max() < 1.3, key
            gradient = torch.linalg.svdvals(parameter.grad)
            assert scaled.sum() / scaled.max() > 2 * gradient.sum() / gradient.max(), key
    assert found >= 4


def test_the_rest_is_left_to_adamw():
    """One step from the same gradients: what is no matrix of a block gets the step of AdamW alone."""
    muon, adamw = network_of("sparse_vit"), network_of("sparse_vit")
    steps(muon, make_optimizer(muon, MUON, fused=False), [1])
    alone = make_optimizer(adamw, Training(learning_rate=1e-2, weight_decay=0.0), fused=False)
    assert type(alone) is AdamW
    steps(adamw, alone, [1])
    for key, parameter in muon.named_parameters():
        other = adamw.get_parameter(key)
        assert torch.equal(parameter, other) is not (".blocks." in key and parameter.ndim == 2), key


def test_a_network_without_blocks_has_adamw_alone():
    assert type(make_optimizer(network_of("reference_cnn"), MUON, fused=False)) is AdamW
    assert muon_matrices(network_of("reference_cnn")) == []
    assert len(muon_matrices(network_of("sparse_vit"))) == 8  # two blocks of four


def test_every_parameter_is_trained_once():
    network = network_of("sparse_vit")
    for decay in (1.0, 0.5):
        settings = Training(optimizer="muon", layer_decay=decay)
        groups = make_optimizer(network, settings, fused=False).param_groups
        found = [id(one) for group in groups for one in group["params"]]
        assert sorted(found) == sorted(id(one) for one in network.parameters())
        assert {group["lr"] for group in groups} == {settings.learning_rate * decay**k for k in range(4)}


def test_a_checkpoint_loses_nothing():
    whole = network_of("sparse_vit")
    steps(whole, make_optimizer(whole, MUON, fused=False), [1, 2, 3, 4])
    network = network_of("sparse_vit")
    first = make_optimizer(network, MUON, fused=False)
    steps(network, first, [1, 2])
    kept = copy.deepcopy(first.state_dict())
    second = make_optimizer(network, MUON, fused=False)
    second.load_state_dict(kept)
    for group in second.param_groups:
        assert group["lr"] == 1e-2
    steps(network, second, [3, 4])
    for key, parameter in network.named_parameters():
        assert torch.equal(parameter, whole.get_parameter(key)), key


def test_a_schedule_reaches_both():
    network = network_of("sparse_vit")
    optimizer = make_optimizer(network, MUON, fused=False)
    before = copy.deepcopy(network)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    steps(network, optimizer, [1])
    for key, parameter in network.named_parameters():
        assert torch.equal(parameter, before.get_parameter(key)), key


@pytest.mark.parametrize("shape", [(8, 8), (40, 12), (12, 40)])
def test_float32_makes_the_steps_of_torch(shape):
    """torch's Muon multiplies in bfloat16, of 8 bits: the steps differ by its rounding, and no more."""
    random = torch.Generator().manual_seed(2)
    first, gradients = torch.randn(shape, generator=random), torch.randn(3, *shape, generator=random)
    ours, theirs = (torch.nn.Parameter(first.clone()) for _ in range(2))
    settings = {"lr": 0.1, "weight_decay": 0.05}
    pairs = [
        (ours, PortableMuon([{"params": [ours], **settings}])),
        (theirs, torch.optim.Muon([theirs], **settings, adjust_lr_fn="match_rms_adamw")),
    ]
    for gradient in gradients:
        for parameter, optimizer in pairs:
            parameter.grad = gradient.clone()
            optimizer.step()
    moved, other = ours.detach() - first, theirs.detach() - first
    assert torch.linalg.norm(moved - other) < 0.02 * torch.linalg.norm(other)
    assert not torch.equal(moved, other)
