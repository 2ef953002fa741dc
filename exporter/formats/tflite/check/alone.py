"""One node of an ONNX model as a model of its own, which a builder converts in a moment where it takes it at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.formats.common.tracing.graph import Example
from exporter.formats.common.tracing.onnx_graph import run_onnx


@dataclass(frozen=True)
class Alone:
    """A model of one node.

    Attributes:
        model: the ONNX ModelProto.
        inputs: what the node reads of others.
        sample: seeded noise for them; ones where it reads integers.
    """

    model: Any
    inputs: tuple[InputSpec, ...]
    sample: Example

    def expected(self) -> list[NDArray[Any]]:
        """What ONNX Runtime computes for the sample."""
        named = {spec.name: value for spec, value in zip(self.inputs, self.sample, strict=True)}
        return run_onnx(self.model, named)


def alone(onnx_model: Any, node: Any) -> Alone:
    """A node of `onnx_model`, which has inferred shapes, with its constants.

    Raises:
        ToolError: the types of what it reads or writes are not known.
    """
    graph = onnx_model.graph
    types = {item.name: item for item in (*graph.input, *graph.value_info, *graph.output)}
    constants = {item.name: item for item in graph.initializer}
    read = [name for name in dict.fromkeys(node.input) if name and name not in constants]
    written = [name for name in node.output if name]
    unknown = [name for name in (*read, *written) if name not in types]
    if unknown:
        raise ToolError(f"the type of {unknown[0]} is not known before conversion")
    names = {name: f"operand_{place}" for place, name in enumerate(read)}
    model = helper.make_model(
        helper.make_graph(
            [_renamed(node, names)],
            "alone",
            [_value(types[name], names[name]) for name in read],
            [types[name] for name in written],
            [constants[name] for name in dict.fromkeys(node.input) if name in constants],
        ),
        opset_imports=onnx_model.opset_import,
    )
    model.ir_version = onnx_model.ir_version
    sample = tuple(_noise(types[name]) for name in read)
    specs = zip(read, sample, strict=True)
    inputs = tuple(InputSpec(name=names[name], shape=value.shape, dtype=str(value.dtype)) for name, value in specs)
    return Alone(model, inputs, sample)


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    copied = type(node)()
    copied.CopyFrom(node)
    copied.input[:] = [names.get(name, name) for name in node.input]
    return copied


def _value(item: Any, name: str) -> Any:
    copied = type(item)()
    copied.CopyFrom(item)
    copied.name = name
    return copied


def _noise(item: Any) -> NDArray[Any]:
    tensor = item.type.tensor_type
    shape = [dim.dim_value for dim in tensor.shape.dim]
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    if not np.issubdtype(dtype, np.floating):
        return np.ones(shape, dtype)
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)
