"""Convolutions, with channels last."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, operator, tf
from exporter.formats.tflite.onnx_tensorflow.windows import Window, padded, read_window


@operator("Conv")
def conv(node: Node, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """Of one, two or three spatial axes, with groups and dilations."""
    kernel = weight.shape[2:]
    window = read_window(node, kernel, x.shape[2:])
    if weight.constant is None:
        values: Any = tf.transpose(weight.plain, [*range(2, weight.rank), 1, 0])
    else:
        values = np.ascontiguousarray(weight.constant.transpose(*range(2, weight.rank), 1, 0))
    padding = window.padding(x.shape[2:])
    tensor = padded(x.last, window) if padding == "PAD" else x.last
    padding = "VALID" if padding == "PAD" else padding
    if len(kernel) == 1:
        # A height of one before the axis: TensorFlow's one-dimensional convolutions do the same.
        wide = Window((1, *window.kernel), (1, *window.strides), (1, *window.dilations), (), ())
        result = tf.squeeze(
            _grouped(node, tf.expand_dims(tensor, 1), values[None], wide, padding, node.get("group", 1)), 1
        )
    else:
        result = _grouped(node, tensor, values, window, padding, node.get("group", 1))
    return Value(last=result if bias is None else tf.nn.bias_add(result, bias.plain))


def _grouped(node: Node, x: Any, weight: Any, window: Window, padding: str, groups: int) -> Any:
    if groups == 1:
        return _plain(node, x, weight, window, padding)
    if groups == x.shape[-1] and len(window.kernel) == 2 and (window.strides[0] == window.strides[1]):
        return _depthwise(x, weight, window, padding)
    pieces = zip(tf.split(x, groups, -1), tf.split(weight, groups, -1), strict=True)
    return tf.concat([_plain(node, piece, own, window, padding) for piece, own in pieces], -1)


def _plain(node: Node, x: Any, weight: Any, window: Window, padding: str) -> Any:
    strides, dilations = [1, *window.strides, 1], [1, *window.dilations, 1]
    if len(window.kernel) == 3:
        if set(window.dilations) != {1}:
            raise node.fail("TFLite has no dilated convolution of three dimensions")
        return tf.nn.conv3d(x, weight, strides, padding, dilations=dilations)
    return tf.nn.conv2d(x, weight, strides, padding, dilations=dilations)


def _depthwise(x: Any, weight: Any, window: Window, padding: str) -> Any:
    """Every channel by itself; the raw operator, because TensorFlow's own function takes dilations apart."""
    channels, height, width = x.shape[-1], *window.kernel
    filters = tf.reshape(weight, [height, width, channels, weight.shape[-1] // channels])
    return tf.raw_ops.DepthwiseConv2dNative(
        input=x, filter=filters, strides=[1, *window.strides, 1], padding=padding, dilations=[1, *window.dilations, 1]
    )


@operator("ConvTranspose")
def conv_transpose(node: Node, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """Of one, two or three spatial axes; a dilated kernel is written with its zeros."""
    values = constant(node, weight, "weight")
    count = values.ndim - 2
    dilations = node.get("dilations", [1] * count)
    for axis, step in enumerate(dilations):
        values = _spread(values, axis + 2, step)
    strides, kernel = tuple(node.get("strides", [1] * count)), values.shape[2:]
    pads, extra = node.get("pads", [0] * 2 * count), node.get("output_padding", [0] * count)
    if node.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or node.get("output_shape"):
        raise node.fail("auto_pad and output_shape are not known here; write pads")
    full = [
        (size - 1) * stride + length + more
        for size, stride, length, more in zip(x.shape[2:], strides, kernel, extra, strict=True)
    ]
    groups = node.get("group", 1)
    pieces = zip(tf.split(x.last, groups, -1), np.split(values, groups, 0), strict=True)
    result = tf.concat([_transposed(piece, own, strides, full) for piece, own in pieces], -1)
    ends = [size - after for size, after in zip(full, pads[count:], strict=True)]
    if any(pads):
        slices = [slice(before, end) for before, end in zip(pads[:count], ends, strict=True)]
        result = result[(slice(None), *slices)]
    return Value(last=result if bias is None else tf.nn.bias_add(result, bias.plain))


def _spread(values: NDArray[Any], axis: int, step: int) -> NDArray[Any]:
    """The kernel with `step` - 1 zeros between its elements."""
    if step == 1:
        return values
    shape = list(values.shape)
    shape[axis] = (shape[axis] - 1) * step + 1
    result = np.zeros(shape, values.dtype)
    result[(slice(None),) * axis + (slice(None, None, step),)] = values
    return result


def _transposed(x: Any, weight: NDArray[Any], strides: tuple[int, ...], sizes: list[int]) -> Any:
    """Without padding; `weight` is (in, out, ...), as ONNX has it."""
    count = len(strides)
    filters = np.ascontiguousarray(weight.transpose(*range(2, count + 2), 1, 0))
    batch, channels = x.shape[0], weight.shape[1]
    if count == 1:
        wide = tf.nn.conv2d_transpose(
            tf.expand_dims(x, 1), filters[None], [batch, 1, *sizes, channels], [1, 1, *strides, 1], "VALID"
        )
        return tf.squeeze(wide, 1)
    function = tf.nn.conv2d_transpose if count == 2 else tf.nn.conv3d_transpose
    return function(x, filters, [batch, *sizes, channels], [1, *strides, 1], "VALID")
