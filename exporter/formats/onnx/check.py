"""Operator by operator: whether an ONNX Runtime of the target's version takes a model."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from exporter.data.errors import ToolError, first_line
from exporter.data.facts.checks import Judgement, OperatorCheck, OperatorFinding, Support
from exporter.execution.heavy import load, quiet
from exporter.formats.common.findings import Seen, followed, refused_by
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.routes import Route, only
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.onnx.conversion.floats import lowered
from exporter.formats.onnx.settings import OnnxTarget

_RUNTIME = "ONNX Runtime"
_NODE = re.compile(r"implementation for (\w+)\(\d+\) node with name '(.*?)'")
_ACCELERATORS = {"cpu": "", "xnnpack": "XNNPACK", "npu": "NPU"}
_PLACEMENT = "what the execution provider takes is known when the device loads the model"


def check(source: SourceGraph, target: OnnxTarget) -> OperatorCheck:
    """What ONNX Runtime says of each operator of the first form that it loads, else what it refuses.

    Raises:
        UsageProblem: the target's route is none of this source's.
    """
    routes = [Route(name, partial(_seen, make, target)) for name, make in source.onnx_forms.items()]
    route, findings = followed(only(routes, target.route), source)
    asks = f"ONNX, ONNX Runtime {target.minimum_runtime}"
    accelerator = _ACCELERATORS[target.compute_units]
    return OperatorCheck(asks=asks, accelerator=accelerator, route=route, findings=findings)


def _seen(make: Callable[[], Any], target: OnnxTarget) -> Seen:
    try:
        model = lowered(make(), target.opset, target.ir_version)
        _load(model)
    except ToolError as error:
        return Seen((), (refused_by(error),))
    return Seen(tuple(_taken(node, target) for node in model.graph.node))


def _load(model: Any) -> None:
    """Have ONNX Runtime find a kernel for every node; nothing is optimized and nothing computed.

    Raises:
        ToolError: it has none.
    """
    runtime = load("onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        with quiet():
            runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own exceptions share no base
        named = _NODE.search(str(error))
        operator, where = (named[1], layer_of_onnx(named[2])) if named else ("", "")
        raise refusal(_RUNTIME, operator, where, first_line(error)) from error


def _taken(node: Any, target: OnnxTarget) -> OperatorFinding:
    unknown = Judgement(support=Support.NOT_CHECKED, why=_PLACEMENT)
    return OperatorFinding(
        operator=node.op_type,
        becomes=(node.op_type,),
        places=(layer_of_onnx(node.name),),
        conversion=Judgement(support=Support.SUPPORTED),
        accelerator=unknown if _ACCELERATORS[target.compute_units] else None,
    )
