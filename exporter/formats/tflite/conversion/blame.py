"""Finds the first operator of an ONNX model that a converted model computes wrongly."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import helper

from exporter.formats.common.refusals import layer_of_onnx
from exporter.formats.common.routes import LEAST_SNR_DB, least_snr
from exporter.formats.common.tracing.onnx_graph import run_onnx

SnrOf = Callable[[Any, Sequence[NDArray[Any]]], float]


def blame(onnx_model: Any, named: Mapping[str, NDArray[Any]], expected: Sequence[NDArray[Any]], snr_of: SnrOf) -> str:
    """A sentence that names what is wrong.

    Args:
        onnx_model: what was converted, with inferred shapes.
        named: the sample by input name.
        expected: what the source gives for it.
        snr_of: converts an ONNX model, runs it on the sample and compares it with given outputs, in dB.
    """
    if least_snr(run_onnx(onnx_model, dict(named)), expected) < LEAST_SNR_DB:
        return "The ONNX export itself computes something else than PyTorch does"
    nodes = list(onnx_model.graph.node)
    right, wrong = -1, len(nodes) - 1
    while wrong - right > 1:
        middle = (right + wrong) // 2
        part = _up_to(onnx_model, middle)
        if part is None or snr_of(part, run_onnx(part, dict(named))) >= LEAST_SNR_DB:
            right = middle
        else:
            wrong = middle
    node = nodes[wrong]
    return f"The first wrong operator is {node.op_type} in {layer_of_onnx(node.name)}"


def _up_to(model: Any, index: int) -> Any:
    """The model that ends with its node `index`; None where the type of its result is not known."""
    nodes = list(model.graph.node)[: index + 1]
    types = {item.name: item for item in [*model.graph.value_info, *model.graph.output]}
    outputs = [types[name] for name in nodes[-1].output if name in types]
    if not outputs:
        return None
    used = _needed(nodes, {item.name for item in outputs})
    read = {name for node in used for name in node.input}
    graph = helper.make_graph(
        used,
        model.graph.name,
        model.graph.input,
        outputs,
        [item for item in model.graph.initializer if item.name in read],
        value_info=[item for item in model.graph.value_info if item.name in read],
    )
    part = helper.make_model(graph, opset_imports=model.opset_import)
    part.ir_version = model.ir_version
    onnx.checker.check_model(part)
    return part


def _needed(nodes: Sequence[Any], wanted: set[str]) -> list[Any]:
    """Nodes that `wanted` depends on, in order."""
    kept: list[Any] = []
    names = set(wanted)
    for node in reversed(nodes):
        if names & set(node.output):
            kept.append(node)
            names |= set(node.input)
    return kept[::-1]
