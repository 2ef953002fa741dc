"""What ONNX constants hold, dense, sparse or narrower than a byte."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NARROW = {"UINT4": 4, "INT4": 4, "FLOAT4E2M1": 4, "UINT2": 2, "INT2": 2}
_NAMES = {"float": "float32", "double": "float64"}


def onnx_values(onnx: Any, tensor: Any) -> NDArray[Any]:
    """The elements of a tensor, those that a sparse one leaves out too."""
    if not hasattr(tensor, "indices"):
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    stored = np.asarray(onnx.numpy_helper.to_array(tensor.values))
    places = np.asarray(onnx.numpy_helper.to_array(tensor.indices))
    dense = np.zeros(tuple(tensor.dims), stored.dtype)
    if places.ndim == 1:
        dense.reshape(-1)[places] = stored
    else:
        dense[tuple(places.T)] = stored
    return dense


def onnx_bytes(onnx: Any, tensor: Any) -> int:
    """Bytes that a tensor takes in the file, without its name and shape."""
    if hasattr(tensor, "indices"):
        return onnx_bytes(onnx, tensor.values) + onnx_bytes(onnx, tensor.indices)
    kind = onnx.TensorProto.DataType.Name(tensor.data_type)
    if kind == "STRING":
        return sum(len(text) for text in tensor.string_data)
    elements = int(math.prod(tensor.dims))
    if kind in _NARROW:
        return -(-elements * _NARROW[kind] // 8)
    return elements * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)


def stored_dtype(onnx: Any, tensor: Any) -> str:
    """Element type as stored: ``float32``, ``int4``, ``bool``, ..."""
    data_type = tensor.values.data_type if hasattr(tensor, "indices") else tensor.data_type
    name = str(onnx.TensorProto.DataType.Name(data_type)).lower()
    return _NAMES.get(name, name)


def zero_points(onnx: Any, values: NDArray[Any], tensor: Any, node: Any) -> Any:
    """The integers that stand for zero, as they broadcast over `values` (ONNX, DequantizeLinear)."""
    zeros = onnx_values(onnx, tensor)
    if zeros.size == 1:
        return zeros.reshape(())
    attributes = {item.name: int(item.i) for item in node.attribute}
    axis = attributes.get("axis", 1) % values.ndim
    if zeros.ndim == 1:
        return zeros.reshape([-1 if place == axis else 1 for place in range(values.ndim)])
    block = attributes.get("block_size", 0)
    return np.repeat(zeros, block, axis).take(range(values.shape[axis]), axis) if block else zeros
