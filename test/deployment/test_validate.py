import dataclasses
import json

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT.deployment import agreement, validate_run
from RecoE2E.ParticleViT.deployment.export import write_torchscript
from RecoE2E.ParticleViT.errors import StoreError
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec


def test_faithful_exports_pass(own_run, small_store, script):
    done = script("validate", "--run", own_run)
    assert "validation on 300 test events: passed" in done.stdout
    content = json.loads((own_run / "validation.json").read_text())
    assert content["passed"]
    assert content["events"] == 300
    for name in ("torchscript", "onnx"):
        entry = content["backends"][name]
        assert abs(entry["auc_difference"]) <= 1e-4
        assert entry["max_abs_difference"] <= 1e-5
        assert set(entry["latency_ms"]["1"]) == {"median", "p95"}
        assert entry["speedup"]["64"] > 0
        assert set(entry["batch_sizes"]) == {"1", "2", "7", "64", "1024"}
        assert max(entry["extreme_images"].values()) <= 1e-5
    assert "not exported" in content["unavailable"]["onnx_int8"]


def test_an_export_that_differs_fails_with_exit_code_1(own_run, script):
    run = Run(own_run)
    network = run.network
    with torch.no_grad():
        list(network.parameters())[-1][0] += 1e-3  # a bias of the head
    other = write_torchscript(network, own_run / "export/model.pt", run.manifest)
    dataclasses.replace(run.manifest, torchscript=other).write(run.manifest_file)
    done = script("validate", "--run", own_run, check=1)
    assert "BEYOND TOLERANCE" in done.stdout
    assert "Traceback" not in done.stderr
    content = json.loads((own_run / "validation.json").read_text())
    assert not content["passed"]
    worst = content["backends"]["torchscript"]["worst_events"]
    assert len(worst) == 5
    assert set(worst[0]) == {"event", "label", "expected", "found", "columns"}


def test_scores_that_are_not_finite_never_agree():
    assert agreement.largest_difference(np.zeros(2, np.float32), np.array([0, np.nan], np.float32)) == np.inf


def test_a_store_that_is_gone_or_of_other_images_is_named(own_run, small_store, tmp_path, script):
    content = json.loads((small_store / "store.json").read_text())
    content["image"]["channels"][1]["name"] = "depth"
    content.pop("checksum")
    other = tmp_path / "other"
    other.mkdir()
    (other / "shards").symlink_to(small_store / "shards")
    (other / "store.json").write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"\['energy', 'depth'\], the model's are \['energy', 'time'\]"):
        validate_run(own_run, other)
    done = script("validate", "--run", own_run, "--store", tmp_path / "none", check=2)
    assert "no such folder" in done.stderr


def test_extreme_images_are_what_they_say():
    spec = ImageSpec(
        (ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 8, 6, (4, 3)
    )
    images = agreement.extreme_images(spec)
    assert all(batch.dtype == np.float32 and batch.shape[1:] == spec.shape for batch in images.values())
    assert not images["empty"].any()
    assert images["saturated"].min() > 100
    assert (np.count_nonzero(images["one hot cell"], axis=(2, 3)) == 1).all()
    assert images["negative time"][:, 1].min() < 0 == images["negative time"][:, 0].min()
