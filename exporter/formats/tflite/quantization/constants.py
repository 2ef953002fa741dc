"""The float constants of a flatbuffer, and the operators that read them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from exporter.formats.tflite.conversion.file import operator_code, text
from exporter.formats.tflite.quantization.kernels import WEIGHTS


@dataclass(frozen=True)
class Reading:
    """One operand of one operator.

    Attributes:
        operator: position in its subgraph.
        operand: position among the operator's inputs.
        op_type: name in the schema.
        layer: PyTorch module that the operator came from; empty where that is not known.
        axis: of the output channels where the operand is the operator's weight, else None.
        hybrid: version of the operator by the bits of an integer weight that it computes with.
    """

    operator: int
    operand: int
    op_type: str
    layer: str
    axis: int | None = None
    hybrid: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Constant:
    """A float32 tensor with stored values.

    Attributes:
        graph: its subgraph.
        tensor: position there.
        values: in TFLite's layout.
        readings: in the order of execution.
    """

    graph: int
    tensor: int
    values: NDArray[np.float32]
    readings: tuple[Reading, ...]


def float_constants(model: Any, layers: Mapping[str, str]) -> Iterator[Constant]:
    """Float32 constants that operators read.

    Args:
        model: objects of the schema.
        layers: name of a tensor that an operator writes -> the layer's name.
    """
    for place, graph in enumerate(model.subgraphs):
        fixed = {*map(int, graph.inputs), *map(int, graph.outputs)}
        for number, readings in _readings(model, graph, layers).items():
            tensor = graph.tensors[number]
            data = model.buffers[tensor.buffer].data
            stored = data is not None and len(data) > 0 and tensor.sparsity is None
            if stored and tensor.type == schema.TensorType.FLOAT32 and number not in fixed:
                values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32)
                yield Constant(place, number, values.reshape(tensor.shape), tuple(readings))


def operator_name(code: int) -> str:
    """Name of a builtin operator in the schema."""
    return _names().get(code, f"BUILTIN_{code}")


def _readings(model: Any, graph: Any, layers: Mapping[str, str]) -> dict[int, list[Reading]]:
    found: dict[int, list[Reading]] = defaultdict(list)
    for position, operator in enumerate(graph.operators):
        kind = operator_name(operator_code(model, operator))
        written = [text(graph.tensors[index].name) for index in operator.outputs]
        layer = next((layers[name] for name in written if name in layers), "")
        for operand, index in enumerate(operator.inputs):
            if index < 0:
                continue
            weight = WEIGHTS.get(kind)
            if weight is None or weight.operand != operand:
                found[int(index)].append(Reading(position, operand, kind, layer))
            else:
                axis = _axis(operator, weight.axis, len(graph.tensors[index].shape))
                hybrid = {} if _grouped(graph, operator, kind) else weight.hybrid
                found[int(index)].append(Reading(position, operand, kind, layer, axis, hybrid))
    return found


def _axis(operator: Any, axis: int, rank: int) -> int:
    """Of the output channels, from the front."""
    transposed = bool(getattr(operator.builtinOptions, "adjY", False))
    return (axis - transposed) % rank


def _grouped(graph: Any, operator: Any, kind: str) -> bool:
    """Whether it is a convolution of several groups, which hybrid kernels do not know."""
    if kind != "CONV_2D":
        return False
    given, weight = (graph.tensors[index].shape for index in operator.inputs[:2])
    return int(given[-1]) != int(weight[-1])


@cache
def _names() -> dict[int, str]:
    return {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
