"""The tables of a .tflite as frozen data, read with the standard library alone.

Slots are those of the published schema (tensorflow/compiler/mlir/lite/schema/schema.fbs). The file is whole, which
`exporter.formats.tflite.inspection.structure` tells.
"""

from collections.abc import Iterator
from typing import NamedTuple

from exporter.formats.tflite.inspection.flatbuffer import Flatbuffer
from exporter.formats.tflite.inspection.names import operator_name, type_name

_ELEMENT_BYTES = {1: 4, 2: 2, 3: 1}
"""Of the vectors in the union SparseIndexVector."""


class Quantization(NamedTuple):
    """Scales and zero points, one or one a channel, and the axis that channels lie along."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


class Tensor(NamedTuple):
    """A tensor of a graph.

    Attributes:
        signature: its shape with -1 for dimensions that are not fixed; as `shape` where all are.
        buffer: index of its bytes; buffers without any belong to values that are computed.
        index_bytes: that tell where the elements of a sparse tensor lie; None for a dense one.
        variable: whether it keeps its value from one inference to the next.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    buffer: int
    quantization: Quantization
    index_bytes: int | None
    variable: bool


class Operator(NamedTuple):
    """An operator and the tensors that it reads (-1: left out) and writes, by index.

    Attributes:
        type: its name, in TFLite or (`custom`) among operators that TFLite does not have.
    """

    type: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Graph(NamedTuple):
    """A subgraph; inputs and outputs are indices of tensors."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Model(NamedTuple):
    """A file: its graphs, the first of which is the main one, and the bytes of its buffers.

    `metadata` is the buffer of each entry by its name.
    """

    version: int
    description: str
    metadata: dict[str, int]
    graphs: tuple[Graph, ...]
    buffers: tuple[memoryview, ...]


def read_model(content: memoryview) -> Model:
    """The model that a file's content is."""
    reader = Flatbuffer(content, {})
    root = reader.root()
    codes = [_operator_type(reader, place) for place in reader.members(root, 1)]
    return Model(
        version=reader.scalar(root, 0, "<I"),
        description=reader.text(root, 3),
        metadata={reader.text(place, 0): reader.scalar(place, 1, "<I") for place in reader.members(root, 6)},
        graphs=tuple(_graph(reader, place, codes) for place in reader.members(root, 2)),
        buffers=tuple(_buffer(reader, place) for place in reader.members(root, 4)),
    )


def _operator_type(reader: Flatbuffer, place: int) -> tuple[str, bool]:
    """Its name, and whether it is a custom one. The larger number counts: the older field holds one byte only."""
    number = max(reader.scalar(place, 3, "<i"), reader.scalar(place, 0, "<b"))
    return reader.text(place, 1) or operator_name(number), operator_name(number) == "CUSTOM"


def _graph(reader: Flatbuffer, place: int, codes: list[tuple[str, bool]]) -> Graph:
    return Graph(
        tensors=tuple(_tensor(reader, one) for one in reader.members(place, 0)),
        operators=tuple(
            Operator(*codes[reader.scalar(one, 0, "<I")], reader.numbers(one, 1), reader.numbers(one, 2))
            for one in reader.members(place, 3)
        ),
        inputs=reader.numbers(place, 1),
        outputs=reader.numbers(place, 2),
    )


def _tensor(reader: Flatbuffer, place: int) -> Tensor:
    shape, sparsity = reader.numbers(place, 0), reader.target(place, 6)
    return Tensor(
        name=reader.text(place, 3),
        dtype=type_name(reader.scalar(place, 1, "<b")),
        shape=shape,
        signature=reader.numbers(place, 7) or shape,
        buffer=reader.scalar(place, 2, "<I"),
        quantization=_quantization(reader, reader.target(place, 4)),
        index_bytes=None if sparsity is None else _index_bytes(reader, sparsity),
        variable=bool(reader.scalar(place, 5, "<B")),
    )


def _quantization(reader: Flatbuffer, place: int | None) -> Quantization:
    if place is None:
        return Quantization((), (), 0)
    zero_points = tuple(reader.vector(place, 3, 8).cast("q"))
    return Quantization(tuple(reader.vector(place, 2, 4).cast("f")), zero_points, reader.scalar(place, 6, "<i"))


def _index_bytes(reader: Flatbuffer, place: int) -> int:
    order = 4 * (reader.length(place, 0) + reader.length(place, 1))
    return order + sum(sum(_segments(reader, dimension)) for dimension in reader.members(place, 2))


def _segments(reader: Flatbuffer, dimension: int) -> Iterator[int]:
    """Bytes of a dimension's segments and indices; each is a union, whose kind stands before it."""
    for kind_slot in (2, 4):
        vector = reader.target(dimension, kind_slot + 1)
        if vector is not None:
            yield _ELEMENT_BYTES.get(reader.scalar(dimension, kind_slot, "<B"), 0) * reader.length(vector, 0)


def _buffer(reader: Flatbuffer, place: int) -> memoryview:
    """A buffer's bytes, which may lie outside of the flatbuffer (files of more than 2 GiB)."""
    inside = reader.vector(place, 0, 1)
    offset, size = reader.scalar(place, 1, "<Q"), reader.scalar(place, 2, "<Q")
    return inside if inside.nbytes or offset <= 1 else reader.content[offset : offset + size]
