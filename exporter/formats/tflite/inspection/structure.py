"""Whether a .tflite is whole: its flatbuffer, the indices in it, and the bytes of its constants.

Bytes after the flatbuffer, such as a zip archive of label files, are legal. The slots are those of the published
schema (tensorflow/compiler/mlir/lite/schema/schema.fbs).
"""

import io
import math
import struct
import zipfile
from collections.abc import Sequence

from exporter.formats.common.bytes.damage import Damage
from exporter.formats.tflite.inspection.flatbuffer import Field, Flatbuffer

_I32, _I64, _BYTES, _TEXT = Field("vector", 4), Field("vector", 8), Field("vector"), Field("string")
_SEGMENTS = ((1, "Int32Vector"), (2, "Uint16Vector"), (3, "Uint8Vector"))
_OPTIONS = ((3, "ConcatEmbeddings"), (17, "NewShape"), (30, "NewShape"), (115, "NewShape"), (111, "VarHandle"))
_OPTIONS_2 = ((21, "Composite"),)
SCHEMA = {
    "Model": {
        1: Field("tables", table="OperatorCode"),
        2: Field("tables", table="SubGraph"),
        3: _TEXT,
        4: Field("tables", table="Buffer"),
        5: _I32,
        6: Field("tables", table="Metadata"),
        7: Field("tables", table="SignatureDef"),
    },
    "OperatorCode": {1: _TEXT},
    "SubGraph": {
        0: Field("tables", table="Tensor"),
        1: _I32,
        2: _I32,
        3: Field("tables", table="Operator"),
        4: _TEXT,
    },
    "Tensor": {
        0: _I32,
        3: _TEXT,
        4: Field("table", table="Quantization"),
        6: Field("table", table="Sparsity"),
        7: _I32,
        9: Field("tables", table="Variant"),
    },
    "Variant": {0: _I32},
    "Quantization": {0: _I32, 1: _I32, 2: _I32, 3: _I64, 5: Field("table", table=((1, "Bytes"),), type_slot=4)},
    "Sparsity": {0: _I32, 1: _I32, 2: Field("tables", table="Dimension")},
    "Dimension": {3: Field("table", table=_SEGMENTS, type_slot=2), 5: Field("table", table=_SEGMENTS, type_slot=4)},
    "Int32Vector": {0: _I32},
    "Uint16Vector": {0: Field("vector", 2)},
    "Uint8Vector": {0: _BYTES},
    "Bytes": {0: _BYTES},
    "Operator": {
        1: _I32,
        2: _I32,
        4: Field("table", table=_OPTIONS, type_slot=3),
        5: _BYTES,
        7: _BYTES,
        8: _I32,
        12: Field("table", table=_OPTIONS_2, type_slot=11),
    },
    "ConcatEmbeddings": {1: _I32, 2: _I32},
    "NewShape": {0: _I32},
    "VarHandle": {0: _TEXT, 1: _TEXT},
    "Composite": {0: _TEXT, 2: _BYTES},
    "Buffer": {0: _BYTES},
    "Metadata": {0: _TEXT},
    "SignatureDef": {0: Field("tables", table="TensorMap"), 1: Field("tables", table="TensorMap"), 2: _TEXT},
    "TensorMap": {0: _TEXT},
}
IDENTIFIER = b"TFL3"
"""From the fourth byte of the file on."""
_ZIP = b"PK\x03\x04"
# TensorTypes by the bits of an element; strings and variants have none.
_TYPES_OF_BITS = {4: (17,), 8: (3, 6, 9), 16: (1, 7, 16, 18), 32: (0, 2, 15), 64: (4, 8, 10, 12), 128: (11,)}
_BITS = {kind: bits for bits, kinds in _TYPES_OF_BITS.items() for kind in kinds}


def check_tflite_bytes(content: memoryview) -> None:
    """Check a TFLite file's content.

    Raises:
        Damage: it is truncated or damaged, or no TFLite file.
    """
    if len(content) < 8 or bytes(content[4:8]) != IDENTIFIER:
        raise Damage("it is not a TFLite model: the identifier TFL3 is missing")
    check_tflite(content)


def check_tflite(content: memoryview) -> None:
    """Check a whole file.

    Raises:
        Damage: it is truncated, or what it says of itself does not add up.
    """
    buffer = Flatbuffer(content, SCHEMA)
    model = buffer.root()
    buffer.check(model, "Model")
    sizes = [_buffer_size(buffer, place) for place in buffer.members(model, 4)]
    codes = buffer.length(model, 1)
    graphs = buffer.members(model, 2)
    if not graphs:
        raise Damage("it has no subgraph")
    for graph in graphs:
        _check_graph(buffer, graph, sizes, codes)
    for metadata in buffer.members(model, 6):
        _check_index(buffer.scalar(metadata, 1, "<I"), len(sizes), "a metadata entry", "buffer")
    _check_attached(bytes(content[buffer.end :]).lstrip(b"\0"))


def _check_attached(tail: bytes) -> None:
    """Label files follow the flatbuffer as a zip archive (TFLite metadata); other bytes may be anything."""
    if not tail or tail[:4] != _ZIP[: len(tail)]:
        return
    try:
        zipfile.ZipFile(io.BytesIO(tail)).close()
    except (zipfile.BadZipFile, ValueError, OSError, struct.error) as error:
        raise Damage("the archive of files that follows the model is cut off") from error


def _check_graph(buffer: Flatbuffer, graph: int, sizes: Sequence[int], codes: int) -> None:
    tensors = buffer.members(graph, 0)
    for tensor in tensors:
        _check_tensor(buffer, tensor, sizes)
    for slot, what in ((1, "an input"), (2, "an output")):
        for index in buffer.numbers(graph, slot):
            _check_index(index, len(tensors), f"{what} of the model", "tensor")
    for operator in buffer.members(graph, 3):
        _check_index(buffer.scalar(operator, 0, "<I"), codes, "an operator", "operator code")
        for index in (*buffer.numbers(operator, 1), *buffer.numbers(operator, 2)):
            if index != -1:  # an optional operand that was left out
                _check_index(index, len(tensors), "an operator", "tensor")


def _check_tensor(buffer: Flatbuffer, tensor: int, sizes: Sequence[int]) -> None:
    number = buffer.scalar(tensor, 2, "<I")
    _check_index(number, len(sizes), "a tensor", "buffer")
    bits = _BITS.get(buffer.scalar(tensor, 1, "<b"))
    shape = buffer.numbers(tensor, 0)
    if not sizes[number] or bits is None or buffer.target(tensor, 6) is not None or any(size < 0 for size in shape):
        return  # a value that is computed, of no fixed size, or stored sparsely
    wanted = -(-math.prod(shape) * bits // 8)
    if sizes[number] < wanted:
        raise Damage(f"a constant of shape {list(shape)} needs {wanted:,} bytes and has {sizes[number]:,}")


def _buffer_size(buffer: Flatbuffer, place: int) -> int:
    """Bytes of a buffer, which may lie outside of the flatbuffer (files of more than 2 GiB)."""
    inside = buffer.length(place, 0)
    offset, size = buffer.scalar(place, 1, "<Q"), buffer.scalar(place, 2, "<Q")
    if not inside and offset > 1:
        buffer.reach(offset, size)
    return inside or (size if offset > 1 else 0)


def _check_index(index: int, count: int, who: str, what: str) -> None:
    if not 0 <= index < count:
        raise Damage(f"{who} names {what} {index} of {count}")
