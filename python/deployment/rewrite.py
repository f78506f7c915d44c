"""Exact rewritings of an ONNX graph that leave onnxruntime less to do, in standard operators only.

torch's exporter folds constants, but writes some things in a way that onnxruntime's own fusions do not
recognise, or that cost a node each. Every function here changes the graph in place and returns how many
places it changed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx


class _Graph:
    """Lookups over a graph; valid until nodes are added or removed."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        from onnx import numpy_helper

        self.proto = graph
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self.producers = {name: node for node in graph.node for name in node.output}
        self.outputs = {value.name for value in graph.output}

    def users(self, name: str) -> list[onnx.NodeProto]:
        """Return the nodes that read a value."""
        return [node for node in self.proto.node if name in node.input]

    def is_constant(self, name: str, value: float) -> bool:
        """Tell whether a value is the constant number `value`."""
        found = self.constants.get(name)
        return found is not None and found.size == 1 and math.isclose(found.item(), value, rel_tol=1e-6)

    def made_by(self, name: str, kind: str) -> onnx.NodeProto | None:
        """Return the node that makes a value if it is of this kind."""
        node = self.producers.get(name)
        return node if node is not None and node.op_type == kind else None


def simplify(model: onnx.ModelProto) -> dict[str, int]:
    """Apply all rewritings and return how many places each one changed."""
    graph = _Graph(model.graph)
    done = {
        "gelu": fusable_gelu(graph),
        "expand": broadcast_constants(graph),
        "where": fold_constant_where(graph),
    }
    done["unused"] = remove_unused(model.graph)
    return done


def fusable_gelu(graph: _Graph) -> int:
    """Turn x * (0.5 * (1 + erf(...))) into (x * (1 + erf(...))) * 0.5, which onnxruntime fuses into one node.

    Scaling by 0.5 is exact, so the result is the same bit for bit.
    """
    changed = 0
    for node in graph.proto.node:
        if node.op_type != "Mul":
            continue
        half = graph.made_by(node.input[1], "Mul")
        if half is None or not graph.is_constant(half.input[0], 0.5) or len(graph.users(half.output[0])) != 1:
            continue
        plus = graph.made_by(half.input[1], "Add")
        if plus is not None and any(graph.made_by(name, "Erf") for name in plus.input):
            value, number = node.input[0], half.input[0]
            half.input[0] = value
            node.input[0], node.input[1] = half.output[0], number
            changed += 1
    return changed


def broadcast_constants(graph: _Graph) -> int:
    """Let Where read a constant number instead of an Expand of it: broadcasting gives the same.

    The shape comes from its other branch, as ones_like and zeros_like write it.
    """
    changed = 0
    for node in graph.proto.node:
        if node.op_type != "Where":
            continue
        for place in (1, 2):
            expand = graph.made_by(node.input[place], "Expand")
            shape = graph.made_by(expand.input[1], "Shape") if expand is not None else None
            if expand is None or shape is None or shape.input[0] != node.input[3 - place]:
                continue
            if expand.input[0] in graph.constants and graph.constants[expand.input[0]].size == 1:
                node.input[place] = expand.input[0]
                changed += 1
    return changed


def fold_constant_where(graph: _Graph) -> int:
    """Drop Where whose condition is the same everywhere, if the kept branch alone has the same shape."""
    changed = 0
    for node in graph.proto.node:
        if node.op_type != "Where" or node.input[0] not in graph.constants or node.output[0] in graph.outputs:
            continue
        condition = graph.constants[node.input[0]]
        if not (condition.all() or not condition.any()):
            continue
        kept, dropped = (node.input[1], node.input[2]) if condition.all() else (node.input[2], node.input[1])
        if kept in graph.constants or dropped in graph.constants:
            continue  # broadcasting would be lost
        for user in graph.users(node.output[0]):
            names = [kept if name == node.output[0] else name for name in user.input]
            del user.input[:]
            user.input.extend(names)
        changed += 1
    return changed


def remove_unused(graph: onnx.GraphProto) -> int:
    """Remove nodes and constants that nothing reads; return the number of nodes."""
    removed = 0
    while True:
        read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        unused = [node for node in graph.node if not read & set(node.output)]
        for node in unused:
            graph.node.remove(node)
        removed += len(unused)
        if not unused:
            break
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in read]:
        graph.initializer.remove(tensor)
    return removed
