"""Counts over the elements of a TFLite constant, whatever their type and however they are stored."""

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exporter.formats.common.bytes.counting import counting
from exporter.formats.tflite.inspection.tables import Quantization

_CODES = {
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
}
"""Integers by the codes of `struct`."""
_PATTERNS = {"float16": "H", "bfloat16": "H", "float32": "I", "float64": "Q"}
"""Floats, which are told apart by their bits."""
_NARROW = {"int4": 4, "uint4": 4, "int2": 2}
_COMPLEX = {"complex64": "f", "complex128": "d"}


class Counts(NamedTuple):
    """Elements that are not zero and distinct values; None where the stored form does not tell."""

    nonzeros: int | None
    distinct: int | None


def count_values(
    data: memoryview, dtype: str, shape: Sequence[int], quantization: Quantization, *, sparse: bool
) -> Counts:
    """Counts over one constant.

    Args:
        data: its buffer.
        dtype: name of the element type.
        shape: of the tensor.
        quantization: whose zero points are the integers that stand for zero.
        sparse: whether the buffer holds only the elements that are not in blocks of zeros.
    """
    parameters = math.prod(shape)
    if dtype == "string":
        return _count_strings(bytes(data))
    if dtype in _COMPLEX:
        return _count_complex(data, _COMPLEX[dtype], parameters)
    stored = _elements(data, dtype)
    if stored is None or (not sparse and len(stored) < parameters):
        return Counts(None, None)
    if sparse:
        return _count_sparse(stored, parameters)
    values = stored[:parameters]
    if dtype in _PATTERNS:
        return _count_patterns(values)
    zeros = sum(counting().equal(part, zero) for part, zero in _channels(values, dtype, shape, quantization))
    return Counts(parameters - zeros, counting().distinct(values))


def _elements(data: memoryview, dtype: str) -> memoryview | None:
    """The elements of a buffer; None for types that hold no numbers (resources, variants) or are not known."""
    if dtype in _NARROW:
        return _unpacked(bytes(data), _NARROW[dtype])
    if dtype == "bool":
        return memoryview(bytes(data).translate(bytes([0, *[1] * 255])))
    code = _CODES.get(dtype) or _PATTERNS.get(dtype)
    return None if code is None else _cast(data, code)


def _cast(data: memoryview, code: str) -> memoryview:
    """As numbers; bytes that are less than one are left out."""
    size = struct.calcsize(code)
    return data[: len(data) // size * size].cast(code)  # type: ignore[call-overload, no-any-return]


def _unpacked(packed: bytes, bits: int) -> memoryview:
    """Several elements a byte, the lowest bits first (TFLite schema, ``INT4``), as unsigned numbers."""
    each = 8 // bits
    unpacked = bytearray(each * len(packed))
    for place in range(each):
        unpacked[place::each] = packed.translate(bytes(byte >> place * bits & (1 << bits) - 1 for byte in range(256)))
    return memoryview(bytes(unpacked))


def _channels(
    values: memoryview, dtype: str, shape: Sequence[int], quantization: Quantization
) -> Iterator[tuple[memoryview, int]]:
    """The elements with the number that stands for zero; in parts where channels differ in it."""
    zeros = quantization.zero_points if quantization.scales else ()
    axis = quantization.axis
    if len(set(zeros)) < 2 or not 0 <= axis < len(shape) or shape[axis] != len(zeros):
        yield values, _stored(zeros[0], dtype) if len(set(zeros)) == 1 else 0
        return
    inner = math.prod(shape[axis + 1 :])
    for start in range(0, len(values), inner):
        yield values[start : start + inner], _stored(zeros[start // inner % len(zeros)], dtype)


def _stored(zero: int, dtype: str) -> int:
    """A zero point as `_elements` gives it."""
    return zero & (1 << _NARROW[dtype]) - 1 if dtype in _NARROW else zero


def _count_patterns(values: memoryview) -> Counts:
    """Of floats; a negative zero is another pattern of the same value."""
    zeros = [counting().equal(values, pattern) for pattern in (0, 1 << 8 * values.itemsize - 1)]
    return Counts(len(values) - sum(zeros), counting().distinct(values) - all(zeros))


def _count_sparse(stored: memoryview, parameters: int) -> Counts:
    """The elements that are left out are zeros; sparse weights are symmetric, so that zero is 0."""
    zeros = counting().equal(stored, 0)
    return Counts(len(stored) - zeros, counting().distinct(stored) + (len(stored) < parameters and not zeros))


def _count_complex(data: memoryview, code: str, parameters: int) -> Counts:
    numbers = _cast(data, code)
    if len(numbers) < 2 * parameters:
        return Counts(None, None)
    values = list(zip(numbers[: 2 * parameters : 2], numbers[1 : 2 * parameters : 2], strict=True))
    return Counts(sum(value != (0, 0) for value in values), len(set(values)))


def _count_strings(data: bytes) -> Counts:
    """Strings that are not empty, and distinct ones: a count, one offset more than that, the characters."""
    if len(data) < 4:
        return Counts(None, None)
    (count,) = struct.unpack_from("<i", data)
    if count < 0 or 4 * (count + 2) > len(data):
        return Counts(None, None)
    offsets = struct.unpack_from(f"<{count + 1}i", data, 4)
    texts = [data[start:end] for start, end in itertools.pairwise(offsets)]
    return Counts(sum(map(bool, texts)), len(set(texts)))
