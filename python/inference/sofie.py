"""SOFIE as a backend: ROOT writes C++ code from an export, which is compiled into a program of its own.

The code is what `Generate` and `OutputGenerated` of SOFIE make (ROOT's tmva/sofie), for one image per call.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..recipe import resource
from .manifest import Manifest
from .predictors import BackendUnavailableError, Images
from .programs import ProgramPredictor

if TYPE_CHECKING:
    import onnx

SOFIE = "sofie"
GENERATOR = "PARTICLEVIT_SOFIE"  # environment variable: a command that ROOT's Python takes the place of
WITH_ROOT = """
import sys
import ROOT
try:
    sofie = ROOT.TMVA.Experimental.SOFIE
except AttributeError:
    sys.exit("this ROOT was built without tmva-sofie")
model = sofie.RModelParser_ONNX().Parse(sys.argv[1])
model.Generate(sofie.Options.kNoWeightFile)
model.OutputGenerated(sys.argv[2])
"""
TINY = 1e-30
TIMEOUT_S = 900


@dataclass(frozen=True)
class SofiePredictor(ProgramPredictor):
    """A model whose code SOFIE has written."""

    generate_seconds: float = 0.0
    compile_seconds: float = 0.0


def sofie_predictor(path: Path, like: Manifest) -> SofiePredictor:
    """Let SOFIE write code for an exported ONNX file, and compile it.

    Args:
        path: the file, its checksum verified.
        like: content of model.json.

    Raises:
        BackendUnavailableError: there is no SOFIE, compiler, cmake or BLAS, or SOFIE lacks an operator.
    """
    import onnx

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sofie")))
        onnx.save(for_sofie(onnx.load(path)), folder / "model.onnx")
        begin = time.perf_counter()
        _run([*generator(), folder / "model.onnx", folder / "model.hxx"], "wrote no code")
        if not (folder / "model.hxx").is_file():
            raise BackendUnavailableError("backend sofie: SOFIE wrote no code and did not say why")
        generated = time.perf_counter()
        program = compile_code(folder / "model.hxx", folder / "build")
        seconds = generated - begin, time.perf_counter() - generated

        def score(images: Images) -> NDArray[np.float32]:
            return predictor.predict(images)

        predictor = SofiePredictor(SOFIE, like.image, list(like.classes), score, program, path, *seconds)
        weakref.finalize(predictor, stack.pop_all().close)  # code and program go with it
    return predictor


def generator() -> list[str]:
    """Return the command to which a model and the place of the code are added.

    Raises:
        BackendUnavailableError: no ROOT is installed, and the environment names no other generator.
    """
    from importlib.util import find_spec

    if command := os.environ.get(GENERATOR):
        return command.split()
    if find_spec("ROOT") is None:
        raise BackendUnavailableError(
            f"backend sofie: ROOT is not installed; install one with tmva-sofie, or set ${GENERATOR} to a "
            "command that turns MODEL.onnx into CODE.hxx"
        )
    return [sys.executable, "-c", WITH_ROOT]


def for_sofie(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph for one image per call, without the operator Sign, which SOFIE lacks."""
    from onnx import helper, numpy_helper

    for value in (*model.graph.input, *model.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        first.Clear()
        first.dim_value = 1
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Sign":
            nodes.append(node)
            continue
        (x,), (y,) = node.input, node.output
        nodes += [
            helper.make_node("Abs", [x], [f"{y}_size"]),
            helper.make_node("Add", [f"{y}_size", "sofie_tiny"], [f"{y}_above_0"]),
            helper.make_node("Div", [x, f"{y}_above_0"], [y]),
        ]
    if len(nodes) > len(model.graph.node):
        model.graph.initializer.append(numpy_helper.from_array(np.array([TINY], np.float32), "sofie_tiny"))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def compile_code(code: Path, build: Path) -> Path:
    """Return the program scoreSofie with this code in it.

    Raises:
        BackendUnavailableError: no cmake, or it finds no compiler, BLAS or header of SOFIE.
    """
    if shutil.which("cmake") is None:
        raise BackendUnavailableError("backend sofie: cmake is missing; apt-get install cmake g++")
    source = resource("programs/CMakeLists.txt").parent
    options = [f"-DSOFIE_CODE={code}", f"-DPYTHON={sys.executable}", "-DCMAKE_BUILD_TYPE=Release"]
    _run(["cmake", "-S", source, "-B", build, *options], "is not configured")
    _run(["cmake", "--build", build, "--target", "scoreSofie"], "does not compile")
    return build / "scoreSofie"


def _run(command: list[Any], what: str) -> None:
    """Run a command; where it fails, say so with the last line that it wrote about an error."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendUnavailableError(f"backend sofie: {words[0]}: {error}") from error
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or [
            f"exit code {done.returncode}"
        ]
        telling = [line for line in lines if "rror" in line or "support" in line] or lines
        raise BackendUnavailableError(f"backend sofie: {what}: {' '.join(telling[-1].split())[:200]}")
