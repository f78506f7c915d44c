"""From a network to TorchScript, and to an ONNX graph that a CMSSW release loads: standard operators only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import DeploymentError
from ..inference.manifest import INPUT, OUTPUT
from ..inference.quiet import quiet_export
from .operators import check_operators
from .rewrite import simplify
from .targets import EXPORTER_OPSET, Target

if TYPE_CHECKING:
    import onnx
    from torch import nn


def to_onnx(
    network: nn.Module,
    shape: tuple[int, int, int],
    target: Target,
    name: str,
    metadata: Mapping[str, str],
    outputs: Sequence[str] = (OUTPUT,),
) -> tuple[onnx.ModelProto, dict[str, int]]:
    """Return the graph of `network`: input `image` (N, C, H, W), outputs (N, K), N dynamic.

    Args:
        network: in evaluation mode, on the CPU.
        shape: (C, H, W).
        target: limits on opset and IR version.
        name: of the release, for messages.
        metadata: texts to keep in the file's `metadata_props`.
        outputs: names of what the network returns.

    Returns:
        The graph, and how many places each rewriting changed, with the number of nodes before.

    Raises:
        DeploymentError: the network uses an operator that the target lacks (named), or cannot be exported.
    """
    import onnx
    import torch

    batch = torch.export.Dim("batch", min=1)
    try:
        with quiet_export():
            program = torch.onnx.export(
                network,
                (torch.zeros(2, *shape),),
                dynamo=True,
                opset_version=max(EXPORTER_OPSET, target.opset),
                input_names=[INPUT],
                output_names=list(outputs),
                dynamic_shapes={"image": {0: batch}},
                optimize=True,
                verbose=False,
            )
    except Exception as error:  # the exporter raises whatever its passes lead to
        reason = " ".join(str(error).split())[:200]
        raise DeploymentError(
            f"{name}: torch's ONNX exporter fails on this model ({reason}); choose another model"
        ) from error
    if program is None:
        raise DeploymentError(f"{name}: torch's ONNX exporter returned nothing; update torch")
    model = program.model_proto
    rewritten = {"nodes_before": len(model.graph.node), **lean(model)}
    if target.opset < EXPORTER_OPSET:
        model = convert_down(model, target, name)
    check_operators(model, target, name)
    model.ir_version = target.ir_version
    model.producer_name, model.producer_version = "particlevit", ""
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model, rewritten


def lean(model: onnx.ModelProto) -> dict[str, int]:
    """Rewrite the graph, and drop what only describes how it came about: stack traces, value infos.

    They tell where the package is installed, differ between machines, and hinder onnxruntime's quantizer.
    """
    graph = model.graph
    del graph.value_info[:]
    del model.metadata_props[:]
    model.doc_string = graph.doc_string = ""
    rewritten = simplify(model)
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    return rewritten


def convert_down(model: onnx.ModelProto, target: Target, name: str) -> onnx.ModelProto:
    """Rewrite the graph for an older operator set.

    Raises:
        DeploymentError: it uses an operator that is younger than the target's operator set.
    """
    import onnx

    first: dict[str, int] = {}  # operator -> the opset that introduced it
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            first[schema.name] = min(schema.since_version, first.get(schema.name, schema.since_version))
    used = sorted({node.op_type for node in model.graph.node})
    younger = {kind: first[kind] for kind in used if first[kind] > target.opset}
    if younger:
        words = ", ".join(f"{kind} (opset {opset})" for kind, opset in younger.items())
        raise DeploymentError(
            f"{name} loads opset {target.opset} at most, and this model needs {words}; "
            "choose a newer target or a model without them"
        )
    try:
        return onnx.version_converter.convert_version(model, target.opset)
    except Exception as error:  # the converter raises RuntimeError, and worse, per operator
        reason = " ".join(str(error).split())[:200]
        raise DeploymentError(
            f"{name} loads opset {target.opset} at most, and this model does not convert to it ({reason}); "
            "choose a newer target"
        ) from error


def operators(model: onnx.ModelProto) -> dict[str, int]:
    """Return how often each operator occurs, most frequent first."""
    return dict(Counter(node.op_type for node in model.graph.node).most_common())


def trace(network: nn.Module, shape: tuple[int, int, int]) -> Any:
    """Return the network as frozen TorchScript (torch.jit.ScriptModule), which libtorch loads without Python.

    Raises:
        DeploymentError: torch cannot trace it.
    """
    import torch

    try:
        with quiet_export(), torch.no_grad():
            example = (torch.zeros(2, *shape),)
            traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
            return torch.jit.freeze(traced)
    except Exception as error:  # whatever the tracer's interpreter raises
        reason = " ".join(str(error).split())[:200]
        raise DeploymentError(
            f"TorchScript: tracing fails on this model ({reason}); choose another model"
        ) from error
