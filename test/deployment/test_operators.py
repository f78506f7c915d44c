"""Operators of an export against what engines take."""

import json

import onnx
import pytest
from onnx import TensorProto, helper

from RecoE2E.ParticleViT.deployment.operators import (
    ENGINES,
    SOFIE,
    TENSORRT,
    allowed,
    check_operators,
    lacking,
    operator_lines,
)
from RecoE2E.ParticleViT.deployment.targets import find_target
from RecoE2E.ParticleViT.errors import DeploymentError


def graph(kind, domain="", opset=18):
    node = helper.make_node(kind, ["x"], ["y"], domain=domain)
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    body = helper.make_graph([node], "g", value[:1], value[1:])
    sets = [helper.make_opsetid("", opset)]
    sets += [helper.make_opsetid(domain, 1)] if domain else []
    return helper.make_model(body, opset_imports=sets)


def test_a_release_takes_standard_operators_of_its_opset():
    target = find_target("CMSSW_13_1")
    check_operators(graph("Relu"), target, "CMSSW_13_1")
    with pytest.raises(DeploymentError, match=r"CMSSW_13_1: onnxruntime 1\.14\.1 .* has Gelu; choose"):
        check_operators(graph("Gelu", opset=20), target, "CMSSW_13_1")
    check_operators(graph("Gelu", opset=20), find_target("CMSSW_14_1"), "CMSSW_14_1")
    with pytest.raises(DeploymentError, match=r"has com\.microsoft\.FastGelu"):
        check_operators(graph("FastGelu", "com.microsoft"), target, "CMSSW_13_1")


def test_what_an_engine_lacks_is_of_the_standard():
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""}
    assert SOFIE.lacks <= known
    assert not TENSORRT.lacks - known - {"ConcatFromSequence", "SequenceMap"}
    for engine in ENGINES:
        assert allowed(18, engine) == allowed(18) - engine.lacks


def test_lines_name_what_is_lacking():
    assert operator_lines({"Add": 2, "Clip": 1, "Unique": 1}) == [
        "operators: Add 2, Clip 1, Unique 1",
        "warning: TensorRT 10.15 lacks Unique",
        "warning: SOFIE lacks Clip, Unique",
    ]
    assert operator_lines({"Add": 1})[1:] == ["TensorRT 10.15 takes them all", "SOFIE takes them all"]


def test_export_and_validation_say_it(own_run, script):
    done = script("export", "--run", own_run)
    operators = json.loads((own_run / "export/model.json").read_text())["onnx"]["operators"]
    for line in operator_lines(operators):
        assert line in done.stdout
    done = script("validate", "--run", own_run, "--limit", 64)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("sofie: ")]
    assert line.endswith(f"by its documentation it lacks {', '.join(lacking(operators, SOFIE))}")
