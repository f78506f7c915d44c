"""Which engines take the operators of an export: the release's ONNX Runtime must, others may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..errors import DeploymentError
from .targets import Target

if TYPE_CHECKING:
    import onnx


class Engine(NamedTuple):
    """An engine beside ONNX Runtime."""

    name: str
    lacks: frozenset[str]
    """Standard operators that it does not take, as its own documentation has them; it may add conditions."""


_TENSORRT_LACKS = """
AffineGrid Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Col2Im CenterCropPad
Compress ConcatFromSequence ConvInteger DFT Det DynamicQuantizeLinear ImageDecoder MatMulInteger
MaxRoiPool MaxUnpool MelWeightMatrix Multinomial NegativeLogLikelihoodLoss Optional
OptionalGetElement OptionalHasElement QLinearConv QLinearMatMul RegexFullMatch SequenceAt
SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap
SoftmaxCrossEntropyLoss SplitToSequence StringConcat StringNormalizer StringSplit TfIdfVectorizer
Unique
"""
TENSORRT = Engine("TensorRT 10.15", frozenset(_TENSORRT_LACKS.split()))
"""By docs/operators.md of onnx-tensorrt."""
_SOFIE_LACKS = """
And ArgMax ArgMin Ceil Clip Compress ConvInteger Cosh CumSum DequantizeLinear DepthToSpace Det
Dropout Floor GatherElements GatherND GlobalLpPool GlobalMaxPool GridSample HardSigmoid Hardmax
InstanceNormalization IsInf IsNaN LRN Loop LpNormalization LpPool MatMulInteger MaxRoiPool MaxUnpool
MeanVarianceNormalization Mod Multinomial NonMaxSuppression NonZero Not OneHot Optional
OptionalGetElement OptionalHasElement Or PRelu QLinearConv QLinearMatMul QuantizeLinear ReduceL1
ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMin Resize ReverseSequence RoiAlign Round Scan
ScatterND Shrink Sign Sinh Size Softplus Softsign SpaceToDepth StringNormalizer Tan ThresholdedRelu
Trilu Unique Xor
"""
SOFIE = Engine("SOFIE", frozenset(_SOFIE_LACKS.split()))
"""By tmva/sofie/ONNX_OPERATOR_STATUS.md of ROOT, commit bac730e; younger sources may take more."""
ENGINES = (TENSORRT, SOFIE)


def allowed(opset: int, engine: Engine | None = None) -> frozenset[str]:
    """Return the standard operators that ONNX Runtime, or another engine, takes in an operator set.

    >>> "LayerNormalization" in allowed(17), "LayerNormalization" in allowed(16)
    (True, False)
    """
    import onnx

    standard = {
        schema.name
        for schema in onnx.defs.get_all_schemas_with_history()
        if schema.domain == "" and schema.since_version <= opset
    }
    return frozenset(standard - (engine.lacks if engine is not None else frozenset()))


def check_operators(model: onnx.ModelProto, target: Target, name: str) -> None:
    """Refuse a graph with an operator that the release's ONNX Runtime is not sure to take.

    Args:
        model: the graph.
        target: limits of the release.
        name: of the release, for the message.

    Raises:
        DeploymentError: an operator that is not of the standard, or is younger than its operator set.
    """
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    takes = allowed(min(opset, target.opset))
    outside = sorted(
        {
            f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
            for node in model.graph.node
            if node.domain not in ("", "ai.onnx") or node.op_type not in takes
        }
    )
    if outside:
        raise DeploymentError(
            f"{name}: onnxruntime {target.onnxruntime} takes standard operators up to opset {target.opset}, "
            f"and this model has {', '.join(outside)}; choose a newer target or a model without them"
        )


def lacking(operators: Iterable[str], engine: Engine) -> list[str]:
    """Return the operators that an engine does not take.

    >>> lacking(["Sign", "Add"], SOFIE)
    ['Sign']
    """
    return sorted(set(operators) & engine.lacks)


def operator_lines(operators: Mapping[str, int]) -> list[str]:
    """Return the operators of an export and what other engines lack of them, for the terminal."""
    lines = ["operators: " + ", ".join(f"{name} {count}" for name, count in operators.items())]
    for engine in ENGINES:
        missing = lacking(operators, engine)
        verdict = f"lacks {', '.join(missing)}" if missing else "takes them all"
        lines.append(f"{'warning: ' if missing else ''}{engine.name} {verdict}")
    return lines
