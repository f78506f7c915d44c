import json

import numpy as np
import onnx
import pytest
import torch

from RecoE2E.ParticleViT.deployment import export, export_run
from RecoE2E.ParticleViT.errors import DeploymentError, RunError
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.quiet import quiet_export
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.store import open_store


def test_export_holds_what_others_need(exported_run):
    folder = exported_run / "export"
    assert {path.name for path in folder.iterdir()} == {"model.json", "model.onnx", "model.pt"}
    content = Run(exported_run).manifest
    assert set(content.working_points) == {"b"}
    assert content.image.names == ("energy", "time")
    assert content.image.units == ("GeV", "ns")
    assert content.classes == ("a", "b")
    assert (content.onnx.opset, content.onnx.ir_version) == (18, 8)

    model = onnx.load(folder / "model.onnx")
    assert {entry.domain for entry in model.opset_import} == {""}
    assert {node.domain for node in model.graph.node} == {""}
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    properties = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert properties["particlevit.classes"] == ["a", "b"]
    assert properties["particlevit.image"] == json.loads(json.dumps(content.to_json()["image"]))
    (image,) = model.graph.input
    sizes = image.type.tensor_type.shape.dim
    assert (image.name, sizes[0].dim_param, [size.dim_value for size in sizes[1:]]) == (
        "image",
        "batch",
        [2, 24, 24],
    )

    extra = {"model.json": ""}
    with quiet_export():
        torch.jit.load(folder / "model.pt", _extra_files=extra)
    assert json.loads(extra["model.json"])["name"] == "hybrid_vit"


def test_export_names_no_folder_of_this_machine(exported_run):
    assert b"site-packages" not in (exported_run / "export/model.onnx").read_bytes()


@pytest.mark.parametrize("backend", ["torchscript", "onnx"])
def test_exports_agree_with_the_network(exported_run, small_store, backend):
    images = open_store(small_store).read("test").images
    expected = load_run(exported_run).predict(images)
    for size in (1, 2, 7, 64):
        found = load_run(exported_run, backend).predict(images, batch_size=size)
        assert np.abs(found - expected).max() < 1e-6


def test_failed_export_leaves_the_old_one(own_run, monkeypatch):
    before = (own_run / "export/model.json").read_bytes()

    def fail(*_):
        raise DeploymentError("no space")

    monkeypatch.setattr(export, "write_torchscript", fail)
    with pytest.raises(DeploymentError, match="no space"):
        export_run(own_run)
    assert (own_run / "export/model.json").read_bytes() == before
    assert not list(own_run.glob(".export*"))


def test_a_folder_without_checkpoint_is_named(tmp_path):
    with pytest.raises(RunError, match=r"not a run folder, expected .*best.ckpt; train it"):
        export_run(tmp_path)


def test_the_command_writes_the_same_bytes_again(own_run, script):
    assert "opset 18, IR 8" in script("export", "--run", own_run).stdout
    before = {path.name: path.read_bytes() for path in (own_run / "export").iterdir()}
    script("export", "--run", own_run)
    assert {path.name: path.read_bytes() for path in (own_run / "export").iterdir()} == before


def test_unknown_targets_are_named(own_run):
    with pytest.raises(DeploymentError, match=r"unknown target 'CMSSW_9_4'; known: CMSSW_12_4, CMSSW_12_5"):
        export_run(own_run, "CMSSW_9_4")
