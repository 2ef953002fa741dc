"""Operators that move elements or make new tensors."""

from typing import Any

import numpy as np

from exporter.execution.heavy import load
from exporter.formats.coreml.conversion.operators.registering import builder, known, operands, translation


@translation("diff")
def diff(context: Any, node: Any) -> None:
    """``diff(x, n=1, dim=-1, prepend=None, append=None)``: differences of neighbours along an axis, n times."""
    x, count, dim, before, after = operands(context, node, "self", "n", "dim", "prepend", "append")
    axis = known(dim, -1) % x.rank
    parts = [part for part in (before, x, after) if part is not None]
    result = builder().concat(values=parts, axis=axis) if len(parts) > 1 else x
    for _ in range(known(count, 1)):
        result = _difference(result, axis)
    context.add(builder().identity(x=result, name=node.name))


def _difference(x: Any, axis: int) -> Any:
    make, rest = builder(), [index != axis for index in range(x.rank)]
    begin, end = [int(not other) for other in rest], [-int(not other) for other in rest]
    late = make.slice_by_index(x=x, begin=begin, end=end, begin_mask=rest, end_mask=[True] * x.rank)
    early = make.slice_by_index(x=x, begin=begin, end=end, begin_mask=[True] * x.rank, end_mask=rest)
    if load("coremltools").converters.mil.mil.types.is_bool(x.dtype):
        return make.logical_xor(x=late, y=early)
    return make.sub(x=late, y=early)


@translation("ones", instead=True)
def ones(context: Any, node: Any) -> None:
    """``ones(size, *, dtype)``: float32 unless another type is given."""
    size, dtype = operands(context, node, "size", "dtype")
    context.add(_filled(size, 1, "fp32" if known(dtype) is None else _type_name(None, dtype), node.name))


@translation("new_ones", instead=True)
def new_ones(context: Any, node: Any) -> None:
    """``new_ones(x, size, *, dtype)``: ones, of the type of x unless another is given."""
    x, size, dtype = operands(context, node, "self", "size", "dtype")
    context.add(_filled(size, 1, _type_name(x, dtype), node.name))


@translation("new_zeros", "new_empty", instead=True)
def new_zeros(context: Any, node: Any) -> None:
    """``new_zeros(x, size, *, dtype)``: zeros; coremltools gives floats whatever x is."""
    x, size, dtype = operands(context, node, "self", "size", "dtype")
    context.add(_filled(size, 0, _type_name(x, dtype), node.name))


@translation("new_full", instead=True)
def new_full(context: Any, node: Any) -> None:
    """``new_full(x, size, fill_value, *, dtype)``: a number everywhere."""
    x, size, value, dtype = operands(context, node, "self", "size", "fill_value", "dtype")
    context.add(_filled(size, known(value), _type_name(x, dtype), node.name))


@translation("ones_like", instead=True)
def ones_like(context: Any, node: Any) -> None:
    """``ones_like(x, *, dtype)``; coremltools forgets the type when it is given."""
    x, dtype = operands(context, node, "self", "dtype")
    context.add(_filled(builder().shape(x=x), 1, _type_name(x, dtype), node.name))


@translation("zeros_like", "empty_like", instead=True)
def zeros_like(context: Any, node: Any) -> None:
    """``zeros_like(x, *, dtype)``."""
    x, dtype = operands(context, node, "self", "dtype")
    context.add(_filled(builder().shape(x=x), 0, _type_name(x, dtype), node.name))


@translation("full_like", instead=True)
def full_like(context: Any, node: Any) -> None:
    """``full_like(x, fill_value, *, dtype)``."""
    x, value, dtype = operands(context, node, "self", "fill_value", "dtype")
    context.add(_filled(builder().shape(x=x), known(value), _type_name(x, dtype), node.name))


_NUMPY: dict[str, type[np.generic]] = {"bool": np.bool_, "int32": np.int32, "fp16": np.float32, "fp32": np.float32}


def _filled(size: Any, value: float, dtype: str, name: str) -> Any:
    """A tensor of one number; a scalar is a constant, for coremltools takes an empty size for a list of floats."""
    make = builder()
    least, most = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    number = _NUMPY[dtype](min(max(value, least), most) if dtype == "int32" else value)
    if _is_empty(size):
        return make.const(val=number, name=name)
    shape = make.concat(values=size, axis=0) if isinstance(size, list) else size
    return make.fill(shape=shape, value=number, name=name)


def _is_empty(size: Any) -> bool:
    return not size if isinstance(size, list) else size.shape == (0,)


def _type_name(x: Any, dtype: Any) -> str:
    """What MIL calls the type of `x`, or the one that PyTorch numbers so; whole numbers have 32 bits."""
    number = known(dtype)
    if number is not None:
        utils = load("coremltools.converters.mil.frontend.torch.utils")
        return utils.dtype_to_32bit(utils.NUM_TO_DTYPE_STRING[number])  # type: ignore[no-any-return]
    return str(load("coremltools").converters.mil.mil.types.builtin_to_string(x.dtype))
