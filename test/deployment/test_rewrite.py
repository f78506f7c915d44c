import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from RecoE2E.ParticleViT.deployment.rewrite import simplify
from RecoE2E.ParticleViT.inference.quiet import quiet_export


class _Wasteful(torch.nn.Module):
    """What the preprocessing and the models write: ones_like, a constant condition, GELU, a dead branch."""

    def __init__(self):
        super().__init__()
        self.register_buffer("everywhere", torch.tensor([[[True]], [[True]]]))
        self.convolution = torch.nn.Conv2d(2, 3, 3)

    def forward(self, image):
        total = image.sum(dim=(2, 3), keepdim=True)
        image = image / torch.where(total == 0, torch.ones_like(total), total)
        image = torch.where(self.everywhere, image.abs().sqrt(), image)
        return torch.nn.functional.gelu(self.convolution(image))


@pytest.fixture(scope="module")
def wasteful():
    torch.manual_seed(0)
    with quiet_export():
        program = torch.onnx.export(
            _Wasteful().eval(),
            (torch.ones(2, 2, 8, 8),),
            dynamo=True,
            opset_version=18,
            input_names=["image"],
            dynamic_shapes={"image": {0: torch.export.Dim("batch")}},
            verbose=False,
        )
    return program.model_proto


def _run(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": images})[0]


def test_simplified_graph_is_smaller_and_gives_the_same(wasteful):
    images = np.random.default_rng(0).normal(size=(5, 2, 8, 8)).astype(np.float32)
    images[0] = 0  # the sum is 0
    before, nodes = _run(wasteful, images), len(wasteful.graph.node)
    simple = onnx.ModelProto()
    simple.CopyFrom(wasteful)
    assert simplify(simple) == {"gelu": 1, "expand": 1, "where": 1, "unused": 3}
    onnx.checker.check_model(simple, full_check=True)
    assert len(simple.graph.node) == nodes - 3
    assert np.abs(_run(simple, images) - before).max() < 1e-6
    assert simplify(simple) == {"gelu": 0, "expand": 0, "where": 0, "unused": 0}


def test_onnxruntime_fuses_the_rewritten_gelu(wasteful, tmp_path):
    simple = onnx.ModelProto()
    simple.CopyFrom(wasteful)
    simplify(simple)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(simple.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert "Gelu" in kinds
    assert "Erf" not in kinds
