"""What the builders that go by way of TensorFlow make of operators that the direct one refuses."""

from collections.abc import Collection
from importlib.util import find_spec
from typing import Any

from exporter.data.errors import ToolError
from exporter.data.facts.checks import Judgement, OperatorFinding, Support
from exporter.formats.common.findings import Seen, refused_by
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.tflite.check.alone import Alone, alone
from exporter.formats.tflite.check.placement import Placement
from exporter.formats.tflite.conversion.usable import usable
from exporter.formats.tflite.inspection.tables import read_model
from exporter.formats.tflite.settings import Builder

_WHOLE = Judgement(
    support=Support.NOT_CHECKED,
    why="TensorFlow converts the model as a whole, and only a conversion shows what it takes",
)


def seen_by_tensorflow(
    builder: Builder,
    model: Any,
    source: SourceGraph,
    layout: str,
    refused: Collection[str],
    placement: Placement,
) -> Seen:
    """What is known of a route that ends with `builder`: operators that were refused are converted alone.

    Args:
        builder: ``exact`` or ``tensorflow``.
        model: simplified ONNX, image inputs NCHW.
        source: what it was made from.
        layout: of the target.
        refused: names of nodes that the direct builder does not take; none where nobody knows which.
        placement: of the target.

    Raises:
        ToolError: the builder does not know the model.
    """
    if builder == "exact":
        from exporter.formats.tflite.conversion.builders.exact import traced

        traced(model, source.description.inputs, layout, source.sample())
    findings: list[OperatorFinding] = []
    for node in model.graph.node:
        if node.name in refused:
            findings.append(_alone(builder, model, node, placement))
        else:
            findings.append(_with_the_others(builder, node, placement, known=bool(refused)))
    taken = tuple(one for one in findings if one.support is not Support.REFUSED)
    return Seen(taken, tuple(one for one in findings if one.support is Support.REFUSED))


def _with_the_others(builder: Builder, node: Any, placement: Placement, *, known: bool) -> OperatorFinding:
    """An operator that the direct builder takes, so that TFLite has it; without knowing that, nothing is known."""
    if builder == "tensorflow" and find_spec(f"onnx2tf.ops.{node.op_type}") is None:
        return refused_by(refusal("onnx2tf", node.op_type, layer_of_onnx(node.name)))
    return OperatorFinding(
        operator=node.op_type,
        places=(layer_of_onnx(node.name),),
        conversion=Judgement(support=Support.SUPPORTED) if known else _WHOLE,
        accelerator=placement.unknown,
    )


def _alone(builder: Builder, model: Any, node: Any, placement: Placement) -> OperatorFinding:
    where = layer_of_onnx(node.name)
    try:
        content = usable(_converted(builder, alone(model, node)), builder, model)
    except ToolError as error:
        return refused_by(refusal(f"Conversion by {builder}", node.op_type, where, str(error)))
    why = f"written by way of TensorFlow ({builder}), where onnx2tf's direct builder refuses it"
    kinds = (operator.type for graph in read_model(memoryview(content)).graphs for operator in graph.operators)
    return OperatorFinding(
        operator=node.op_type,
        becomes=tuple(dict.fromkeys(kinds)),
        places=(where,),
        conversion=Judgement(support=Support.REWRITTEN, why=why),
        accelerator=placement.unknown,
    )


def _converted(builder: Builder, one: Alone) -> bytes:
    if builder == "exact":
        from exporter.formats.tflite.conversion.builders.exact import exact

        return exact(one.model, one.inputs, "NCHW", one.sample)
    from exporter.formats.tflite.conversion.builders.onnx2tf import through_tensorflow

    return through_tensorflow(one.model, one.inputs, "NCHW", one.sample, one.expected())
