from __future__ import annotations

import h5py
import pytest
import torch
from sklearn.metrics import roc_auc_score

from RecoE2E.ParticleViT.errors import ModelError
from RecoE2E.ParticleViT.models import build_model
from RecoE2E.ParticleViT.models.cnn import load_reference_weights
from RecoE2E.ParticleViT.recipe import Preprocessing
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

SPEC = ImageSpec(
    (ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 32, 32, (16, 16)
)
CLASSES = ["photon", "electron"]


def reference(name: str = "reference_cnn"):
    scaled = Preprocessing(scale=50.0, standardise=False)
    return build_model(name, SPEC, CLASSES, preprocessing={"energy": scaled, "time": scaled})


def test_published_weights_on_real_crops(shared_data):
    network = reference()
    load_reference_weights(network, shared_data / "electron_photon_reference_cnn.ckpt")
    with h5py.File(shared_data / "electron_photon_cms_ecal_100.hdf5") as file:
        energy, labels = torch.from_numpy(file["X"][:]) * 50, file["y"][:]
    images = torch.cat([energy, torch.zeros_like(energy)], dim=-1).permute(0, 3, 1, 2)
    with torch.no_grad():
        scores = network.eval()(images)[:, 1].numpy()
    assert abs(roc_auc_score(labels, scores) - 0.78) < 0.03


def test_weights_of_another_model(shared_data):
    with pytest.raises(ModelError, match="the network is hybrid_vit"):
        load_reference_weights(reference("hybrid_vit"), shared_data / "electron_photon_reference_cnn.ckpt")


def test_torn_weights(tmp_path):
    torn = tmp_path / "torn.ckpt"
    torn.write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(ModelError, match=r"torn\.ckpt"):
        load_reference_weights(reference(), torn)
