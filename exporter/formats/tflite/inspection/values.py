"""Counts over the elements of a TFLite constant, whatever their type and however they are stored."""

import itertools
import math
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.formats.common.bytes.values import distinct, nonzeros, unpack_int4


class Counts(NamedTuple):
    """Elements that are not zero and distinct values; None where the stored form does not tell."""

    nonzeros: int | None
    distinct: int | None


def count_values(
    data: NDArray[np.uint8], dtype: str, shape: Sequence[int], zeros: NDArray[np.int64] | None, *, sparse: bool
) -> Counts:
    """Counts over one constant.

    Args:
        data: its buffer.
        dtype: name of the element type.
        shape: of the tensor.
        zeros: integers that stand for zero, broadcasting over the tensor; None without quantization.
        sparse: whether the buffer holds only the elements that are not in blocks of zeros.
    """
    parameters = math.prod(shape)
    if dtype == "string":
        return _count_strings(bytes(data))
    stored = _elements(data, dtype)
    if stored is None or (not sparse and len(stored) < parameters):
        return Counts(None, None)
    if sparse:
        return _count_sparse(stored, parameters)
    values = stored[:parameters]
    if zeros is None or dtype.startswith(("float", "bfloat")):
        return Counts(nonzeros(values), distinct(values))
    return Counts(int(np.count_nonzero(values.reshape(shape) != zeros)), distinct(values))


def _count_sparse(stored: NDArray[Any], parameters: int) -> Counts:
    """The elements that are left out are zeros; sparse weights are symmetric, so that zero is 0."""
    left_out = len(stored) < parameters and not bool(np.any(stored == 0))
    return Counts(nonzeros(stored), distinct(stored) + left_out)


def _elements(data: NDArray[np.uint8], dtype: str) -> NDArray[Any] | None:
    """The elements of a buffer; None for types that hold no numbers (resources, variants) or are not known."""
    if dtype == "int4":
        return unpack_int4(data, 2 * len(data))
    if dtype == "bool":
        return np.asarray(data != 0)
    if dtype == "bfloat16":  # the upper half of a float32
        upper = np.frombuffer(data[: len(data) // 2 * 2], np.uint16).astype(np.uint32) << 16
        return np.asarray(upper.view(np.float32))
    try:
        kind = np.dtype(dtype)
    except TypeError:
        return None
    if kind.kind not in "iufc":
        return None
    return np.asarray(np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind))


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
