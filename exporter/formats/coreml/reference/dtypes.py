"""MIL dtypes, and what holds their values here.

Floating values are held in float32, whatever their declared width: a float16 value is a float32 that float16 can hold.
That is exact, is what float16 hardware with wide accumulators computes at best, and is faster on a CPU than its own
float16 kernels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Dtype:
    """A MIL dtype.

    Attributes:
        name: MIL's name of it.
        storage: the torch dtype that holds its values here.
        array: the numpy dtype of such a value outside.
        rounds_to: the torch dtype to which values are rounded under declared precision; None for those held exactly.
    """

    name: str
    storage: torch.dtype
    array: type[np.generic]
    rounds_to: torch.dtype | None = None


_DTYPES = {
    dtype.name: dtype
    for dtype in (
        Dtype("fp16", torch.float32, np.float16, torch.float16),
        Dtype("fp32", torch.float32, np.float32),
        Dtype("fp64", torch.float64, np.float64),
        Dtype("int8", torch.int8, np.int8),
        Dtype("uint8", torch.uint8, np.uint8),
        Dtype("int16", torch.int16, np.int16),
        Dtype("uint16", torch.int32, np.uint16),
        Dtype("int32", torch.int32, np.int32),
        Dtype("uint32", torch.int64, np.uint32),
        Dtype("int64", torch.int64, np.int64),
        Dtype("uint64", torch.int64, np.uint64),
        Dtype("bool", torch.bool, np.bool_),
        Dtype("int4", torch.int8, np.int8),
        *(Dtype(f"uint{bits}", torch.uint8, np.uint8) for bits in (1, 2, 3, 4, 6)),
    )
}


def by_mil_name(name: str) -> Dtype:
    """The dtype called `name` in MIL, such as ``fp16`` or ``int32``."""
    return _DTYPES[name]


def declared(variable: Any) -> Dtype | None:
    """The dtype of a MIL variable's elements; None for strings, lists, dictionaries and states."""
    from coremltools.converters.mil.mil import types

    try:
        element = variable.dtype
    except (AttributeError, TypeError, ValueError, NotImplementedError):  # lists and states have none
        return None
    if element is None or types.is_str(element):
        return None
    return _DTYPES.get(types.builtin_to_string(element))


def to_tensor(value: Any) -> torch.Tensor:
    """A constant of a MIL program as a tensor; floats become float32."""
    array = np.asarray(value)
    if array.dtype == np.uint16:
        array = array.astype(np.int32)
    elif array.dtype == np.uint32:
        array = array.astype(np.int64)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    elif not array.flags.writeable or not array.flags.c_contiguous or array.dtype.metadata:
        array = np.array(array, dtype=array.dtype.type, order="C", copy=True)
    return torch.from_numpy(array) if array.ndim else torch.tensor(array.item(), dtype=_torch_dtype(array.dtype))


def _torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    return torch.from_numpy(np.zeros(1, dtype.type)).dtype
