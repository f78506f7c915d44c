from __future__ import annotations

import pytest
import torch

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.training import load_network, train


@pytest.fixture(scope="module")
def trained(tmp_path_factory, toy_recipe, toy_store):
    run = tmp_path_factory.mktemp("checkpoint")
    train(toy_recipe(training__max_epochs=1), toy_store, run)
    return run / "checkpoints/best.ckpt"


def test_absent(tmp_path):
    with pytest.raises(ModelError, match="no such checkpoint"):
        load_network(tmp_path / "best.ckpt")


@pytest.mark.parametrize("length", [0, 10, 5000])
def test_torn(trained, tmp_path, length):
    torn = tmp_path / "torn.ckpt"
    torn.write_bytes(trained.read_bytes()[:length])
    with pytest.raises(ModelError, match=r"torn\.ckpt: not a readable checkpoint") as raised:
        load_network(torn)
    assert "\n" not in str(raised.value)


def test_of_another_program(tmp_path):
    path = tmp_path / "other.ckpt"
    torch.save({"state_dict": {}, "hyper_parameters": {}}, path)
    with pytest.raises(ModelError, match="of another program"):
        load_network(path)


def test_of_another_model(trained, tmp_path):
    content = torch.load(trained, weights_only=True)
    content["hyper_parameters"]["recipe"]["model"] = {"name": "vit"}
    path = tmp_path / "other.ckpt"
    torch.save(content, path)
    with pytest.raises(ModelError, match="not the model that its recipe names") as raised:
        load_network(path)
    assert "\n" not in str(raised.value)


def test_of_an_earlier_version(trained, tmp_path):
    content = torch.load(trained, weights_only=True)
    content["hyper_parameters"]["image"] = {
        "channels": ["energy"],
        "units": ["GeV"],
        "height": 12,
        "width": 12,
    }
    path = tmp_path / "old.ckpt"
    torch.save(content, path)
    with pytest.raises(ModelError, match="without the images' seed cell and tier; ingest and train again"):
        load_network(path)
