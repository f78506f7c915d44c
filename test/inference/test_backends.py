import json

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT.errors import DeploymentError, ModelError
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.manifest import sha256
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError


@pytest.mark.parametrize("backend", ["eager", "torchscript", "onnx"])
def test_wrong_images_are_refused_by_every_backend(exported_run, backend):
    predictor = load_run(exported_run, backend)
    assert (predictor.classes, predictor.image.shape) == (["a", "b"], (2, 24, 24))
    with pytest.raises(
        ModelError, match=r"\(4, 1, 24, 24\), expected \(N, 2, 24, 24\) with channels energy, time"
    ):
        predictor.predict(np.zeros((4, 1, 24, 24), np.float32))
    assert predictor.predict(np.zeros((0, 2, 24, 24))).shape == (0, 2)
    assert predictor.predict(np.zeros((3, 2, 24, 24))).dtype == np.float32


@pytest.mark.parametrize(("backend", "file"), [("torchscript", "model.pt"), ("onnx", "model.onnx")])
def test_torn_and_exchanged_files_are_refused(own_run, backend, file):
    path = own_run / "export" / file
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DeploymentError, match=r"checksum .* differs .*; the file was damaged or exchanged"):
        load_run(own_run, backend)
    _sign(own_run, backend, path)
    with pytest.raises(DeploymentError, match=rf"{file}: .*export the run again"):
        load_run(own_run, backend)
    path.unlink()
    with pytest.raises(DeploymentError, match=r"missing, though model.json names it"):
        load_run(own_run, backend)


def test_a_foreign_onnx_file_is_refused(own_run):
    import onnx
    from onnx import TensorProto, helper

    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, own_run / "export/model.onnx")
    _sign(own_run, "onnx", own_run / "export/model.onnx")
    with pytest.raises(DeploymentError, match="inputs and outputs are x, y, expected image, probabilities"):
        load_run(own_run, "onnx")


def test_a_checkpoint_with_code_inside_is_not_run(own_run, tmp_path):
    torch.save(
        {"state_dict": {}, "hyper_parameters": _Trap(tmp_path / "sprung")}, own_run / "checkpoints/best.ckpt"
    )
    with pytest.raises(ModelError):
        load_run(own_run)
    assert not (tmp_path / "sprung").exists()


class _Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


def test_damaged_manifest_is_named(own_run):
    path = own_run / "export/model.json"
    content = json.loads(path.read_text())
    content.pop("checksum")
    for text, words in (
        ("{", "not readable as manifest"),
        (json.dumps({**content, "format_version": 9}), "format version 9, expected 2"),
        (
            json.dumps({**content, "format_version": 1}),
            "format version 1, .*ingest the inputs, train and export",
        ),
        (json.dumps({**content, "image": {**content["image"], "tier": "raw"}}), r"Invalid enum value 'raw'"),
        (json.dumps({"format_version": 2}), "missing required field `name`"),
    ):
        path.write_text(text)
        with pytest.raises(DeploymentError, match=words):
            load_run(own_run, "onnx")
    path.unlink()
    with pytest.raises(DeploymentError, match=r"not found; write it with scripts/export.py"):
        load_run(own_run, "onnx")


def test_unknown_and_unavailable_backends_are_named(own_run):
    with pytest.raises(DeploymentError, match="unknown backend 'onxn'; did you mean 'onnx'"):
        load_run(own_run, "onxn")
    with pytest.raises(DeploymentError, match="has no onnx_int8 export"):
        load_run(own_run, "onnx_int8")
    if not torch.cuda.is_available():
        with pytest.raises(
            BackendUnavailableError, match="device cuda: torch finds no GPU here; use --device cpu"
        ):
            load_run(own_run, "eager", device="cuda")


def test_an_export_folder_alone_is_enough(exported_run, small_store):
    images = np.ones((2, 2, 24, 24), np.float32)
    alone = load_run(exported_run / "export", "onnx").predict(images)
    assert np.array_equal(alone, load_run(exported_run, "onnx").predict(images))


def _sign(run, kind, path):
    manifest = run / "export/model.json"
    content = json.loads(manifest.read_text())
    content[kind]["sha256"] = sha256(path)
    content.pop("checksum")
    manifest.write_text(json.dumps(content))
