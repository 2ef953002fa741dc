"""What constants of an ML program hold, however deeply their compressed forms are nested, and how they are stored.

A palette may itself be quantized, its indices sparse, and the mask shared: every ``constexpr_`` operation may read
what another gives.
"""

import hashlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.execution.heavy import load

_NAMES = {"fp16": "float16", "fp32": "float32", "fp64": "float64"}
_MAIN_INPUTS = ("indices", "quantized_data", "data", "indices_nonzero_data", "nonzero_data", "source_val")
_PARAMETERS = {"axis", "vector_axis", "shape", "output_dtype"}
"""Inputs that say how to read the others; they are part of the program's text."""


def is_constant(op: Any) -> bool:
    """Whether an operation stands for a value of the file."""
    return bool(op.op_type == "const" or op.op_type.startswith("constexpr_"))


def variables(op: Any) -> Iterator[Any]:
    """Every variable that an operation reads."""
    for value in op.inputs.values():
        yield from value if isinstance(value, list | tuple) else (value,)


def dtype_name(variable: Any) -> str:
    """Element type of a MIL variable: ``float16``, ``uint4``, ``string``, ..."""
    types = load("coremltools.converters.mil.mil").types
    kind = variable.sym_type
    primitive = kind.get_primitive() if types.is_tensor(kind) else kind
    name = str(types.builtin_to_string(primitive))
    return _NAMES.get(name, name)


def values_of(variable: Any) -> NDArray[Any]:
    """The elements of a constant, decompressed by coremltools' own functions."""
    op = variable.op
    if op.op_type == "const":
        return np.asarray(variable.val)
    if op.op_type == "constexpr_cast":
        return values_of(op.inputs["source_val"]).astype(np.float32)
    result = type(op).decompress(**{name: _argument(op, name) for name in _parameters(type(op))})
    return np.asarray(result[op.outputs.index(variable)] if isinstance(result, tuple) else result)


def _parameters(kind: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(kind.decompress).parameters)


def _argument(op: Any, name: str) -> Any:
    variable = op.inputs.get(name)
    if variable is None:
        return None
    return variable.val if name in _PARAMETERS else values_of(variable)


def stored_form(variable: Any) -> Any:
    """The variable whose type the elements are stored in: indices, quantized data, or non-zero values."""
    op = variable.op
    if op.op_type == "const":
        return variable
    for name in _MAIN_INPUTS:
        inner = op.inputs.get(name)
        if inner is not None:
            return stored_form(inner)
    return variable


def stored_bytes(op: Any) -> int:
    """Bytes that a constant takes with its tables, scales and masks, each counted once."""
    return sum({_content(one): _size(one) for one in _consts(op)}.values())


def _size(op: Any) -> int:
    variable = op.outputs[0]
    return -(-np.asarray(variable.val).size * _bits(dtype_name(variable)) // 8)


def _content(op: Any) -> tuple[str, bytes]:
    """Tells constants apart; operations that read one mask each have a constant for it, and the file holds it once."""
    variable = op.outputs[0]
    return f"{dtype_name(variable)} {variable.shape}", hashlib.sha256(np.asarray(variable.val).tobytes()).digest()


def _consts(op: Any) -> Iterator[Any]:
    if op.op_type == "const":
        yield op
        return
    for name, variable in op.inputs.items():
        if name not in _PARAMETERS and variable is not None and variable.op is not None:
            yield from _consts(variable.op)


def _bits(dtype: str) -> int:
    digits = "".join(character for character in dtype if character.isdigit())
    return int(digits) if digits else 8


def quantization_words(constant: Any) -> str:
    """The form of a constant, such as ``sparse palettized`` or ``linear per_channel``; ``none`` for a plain one."""
    if constant.op_type == "const":
        return "none"
    ops = list(_nested(constant))
    words = ["sparse"] if any("sparse" in op.op_type for op in ops) else []
    if any("lut" in op.op_type for op in ops):
        words.append("palettized")
    scaled = [op for op in ops if op.inputs.get("scale") is not None]
    if scaled:
        palettized, scale = "palettized" in words, scaled[0]
        words.append(_scale_words(scale, constant) if palettized else f"linear {_granularity(scale, constant)}")
    return " ".join(words) or constant.op_type


def _scale_words(op: Any, constant: Any) -> str:
    """What a scale beside a palette is for: its entries are integers, or channels have a scale of their own."""
    data = op.inputs.get("data") or op.inputs.get("nonzero_data")
    dtype = dtype_name(data) if data is not None else ""
    if "int" in dtype:
        return f"with {dtype} table"
    return f"with {_granularity(op, constant)}_scale"


def _nested(op: Any) -> Iterator[Any]:
    yield op
    for variable in variables(op):
        if variable is not None and variable.op is not None and variable.op.op_type != "const":
            yield from _nested(variable.op)


def _granularity(op: Any, constant: Any) -> str:
    scale, dense = values_of(op.inputs["scale"]), constant.outputs[0].shape
    if scale.size == 1:
        return "per_tensor"
    extents = scale.shape[: len(dense)]  # those of a palette have two more, for its entries and vectors
    blocks = scale.ndim >= len(dense) and any(1 < size < full for size, full in zip(extents, dense, strict=True))
    return "per_block" if blocks else "per_channel"
