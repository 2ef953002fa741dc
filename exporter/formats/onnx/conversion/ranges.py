"""Finds the values of an ONNX graph that a recipe learned ranges for."""

from typing import Any

import onnx
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.hints import CompressionHints, probe_input
from exporter.formats.onnx.conversion.floats import run
from exporter.formats.onnx.nodes import copy_of
from exporter.sources.signatures import match_ranges, unmatched


def learned_ranges(model: Any, hints: CompressionHints) -> dict[str, tuple[float, float]]:
    """The learned range of each value of a float32 model, by its name.

    Raises:
        ToolError: a learned range belongs to no value.
    """
    if not hints.activations:
        return {}
    given = {value.name: probe_input(_shape(value), hints.probe_seed) for value in model.graph.input}
    matched = match_ranges(hints.activations, given | all_values(model, given))
    lost = unmatched(hints.activations, matched)
    if lost:
        raise ToolError(
            f"the learned ranges of {', '.join(lost[:5])} find no value in the ONNX graph; without them the file would "
            "not be what was trained. Leave the static step out of the recipe and quantize in the target instead."
        )
    return {name: (item.minimum, item.maximum) for name, item in matched.items()}


def all_values(model: Any, given: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Every float32 value that nodes of the main graph write, in order."""
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {item.name: item for item in (*inferred.graph.value_info, *inferred.graph.output)}
    floats = [
        name
        for node in model.graph.node
        for name in node.output
        if name in known and known[name].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ]
    opened = copy_of(model)
    del opened.graph.output[:]
    opened.graph.output.extend(known[name] for name in floats)
    return dict(zip(floats, run(opened, given), strict=True))


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
