"""Compressed constants and quantization.

Semantics: coremltools ``iOS16/constexpr_ops.py``, ``iOS17/quantization_ops.py`` and ``iOS18/compression.py``.
Arithmetic is in float32 and rounded once to the declared dtype. Sub-byte constants arrive unpacked, except the iOS 16
forms, which keep their elements packed in bytes, least significant bit first.
"""

import math

import numpy as np
import torch

from exporter.formats.coreml.reference.family import Family, Ints, Tensor

FAMILY = Family("compressed constants and quantization")


def _unpacked(packed: Tensor, bits: int, count: int) -> Tensor:
    """`count` unsigned elements of `bits` bits each from bytes."""
    stream = np.unpackbits(packed.numpy().astype(np.uint8), bitorder="little")[: count * bits]
    places = (1 << np.arange(bits)).astype(np.int64)
    return torch.from_numpy(stream.reshape(count, bits) @ places)


def _along(parameter: Tensor, data: Tensor, axis: int | None) -> Tensor:
    """A scalar as it is; a vector shaped to broadcast along `axis` of `data`."""
    if parameter.dim() == 0 or axis is None:
        return parameter
    shape = [1] * data.dim()
    shape[axis] = -1
    return parameter.reshape(shape)


def _spread(parameter: Tensor, shape: torch.Size) -> Tensor:
    """Each element repeated over its block, so that the shape becomes `shape`."""
    for axis, (have, want) in enumerate(zip(parameter.shape, shape, strict=True)):
        if have != want and have != 1:
            parameter = parameter.repeat_interleave(want // have, axis)
    return parameter


@FAMILY.op("constexpr_affine_dequantize")
def affine_dequantize(quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: int) -> Tensor:
    """``scale * (data - zero_point)``, both scalar or along `axis`."""
    shifted = quantized_data.float() - _along(zero_point, quantized_data, axis).float()
    return _along(scale, quantized_data, axis) * shifted


@FAMILY.op("constexpr_blockwise_shift_scale")
def blockwise_shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """``scale * (data - offset)``, one scale a block; the shapes tell the block."""
    wide = data.float()
    if offset is not None:
        wide = wide - _spread(offset.float(), data.shape)
    return _spread(scale, data.shape) * wide


@FAMILY.op("constexpr_cast")
def constexpr_cast(source_val: Tensor, output_dtype: str) -> Tensor:
    """Float16 to float32."""
    return source_val


@FAMILY.op("constexpr_lut_to_dense", exact=True)
def lut_to_dense(indices: Tensor, lut: Tensor, shape: Ints | None = None, vector_axis: int | None = None) -> Tensor:
    """Table entries in place of indices.

    iOS 16: `lut` is one table, `indices` are packed, `shape` is the result's. iOS 18: `lut` is ``[blocks..., entries,
    vector]``, one table a block of `indices`; vectors are laid along `vector_axis`.
    """
    if shape is not None:
        bits = int(math.log2(lut.numel()))
        return lut[_unpacked(indices, bits, math.prod(shape))].reshape(list(shape))
    *blocks, entries, vector = lut.shape
    table_of = _spread(torch.arange(math.prod(blocks)).reshape(blocks), indices.shape)
    dense = lut.reshape(-1, vector)[table_of * entries + indices.long()]
    if vector == 1:
        return dense.squeeze(-1)
    assert vector_axis is not None
    axis = vector_axis % indices.dim()
    return dense.movedim(-1, axis + 1).flatten(axis, axis + 1)


@FAMILY.op("constexpr_sparse_to_dense", exact=True)
def sparse_to_dense(nonzero_data: Tensor, mask: Tensor, shape: Ints | None = None) -> Tensor:
    """Stored elements where the mask has ones, zeros elsewhere; the iOS 16 form has a packed mask and a shape."""
    if shape is not None:
        mask = _unpacked(mask, 1, math.prod(shape)).reshape(list(shape))
    dense = torch.zeros(mask.shape, dtype=nonzero_data.dtype)
    dense[mask != 0] = nonzero_data
    return dense


@FAMILY.op("constexpr_lut_to_sparse", exact=True)
def lut_to_sparse(
    indices_mask: Tensor, indices_nonzero_data: Tensor, lut: Tensor, vector_axis: int | None = None
) -> tuple[Tensor, Tensor]:
    """A mask, and the table entries of its ones; vectors widen the mask along `vector_axis`."""
    dense = lut_to_dense(sparse_to_dense(indices_nonzero_data, indices_mask), lut, None, vector_axis)
    mask = indices_mask
    if lut.shape[-1] > 1:
        assert vector_axis is not None
        mask = mask.repeat_interleave(lut.shape[-1], vector_axis)
    return mask, dense[mask != 0]


@FAMILY.op("constexpr_sparse_blockwise_shift_scale")
def sparse_blockwise_shift_scale(
    data_mask: Tensor, nonzero_data: Tensor, scale: Tensor, offset: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """A mask, and ``scale * (data - offset)`` of its ones, with the parameters of the places where they lie."""
    dense = blockwise_shift_scale(sparse_to_dense(nonzero_data, data_mask), scale, offset)
    return data_mask, dense[data_mask != 0]


@FAMILY.op("quantize")
def quantize(
    input: Tensor,  # noqa: A002 - MIL's name
    scale: Tensor,
    output_dtype: str,
    zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:
    """``clip(round(input / scale) + zero_point)``; halves round to even."""
    whole = torch.round(input / _along(scale, input, axis))
    if zero_point is not None:
        whole = whole + _along(zero_point, input, axis).float()
    low, high = (-128, 127) if output_dtype == "int8" else (0, 255)
    return whole.clamp(low, high).to(torch.int8 if output_dtype == "int8" else torch.uint8)


@FAMILY.op("dequantize")
def dequantize(
    input: Tensor,  # noqa: A002 - MIL's name
    scale: Tensor,
    zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:
    """``scale * (input - zero_point)``."""
    wide = input.float()
    if zero_point is not None:
        wide = wide - _along(zero_point, input, axis).float()
    return _along(scale, input, axis) * wide
