"""Pools, with channels last; three-dimensional ones as two of two dimensions each, which TFLite has."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, operator, tf
from exporter.formats.tflite.onnx_tensorflow.windows import Window, counts, padded, read_window

LEAST = float(np.finfo(np.float32).min)
Pool = Callable[..., Any]


@operator("MaxPool")
def max_pool(node: Node, x: Value) -> Value:
    """The largest element of each window."""
    if len(node.outputs) > 1 and node.outputs[1]:
        raise node.fail("TFLite cannot give the indices of the largest elements")
    window = read_window(node, node.get("kernel_shape"), x.shape[2:])
    if set(window.dilations) != {1}:
        raise node.fail("TFLite has no dilated pool")
    padding = window.padding(x.shape[2:])
    tensor = padded(x.last, window, LEAST) if padding == "PAD" else x.last
    return Value(last=_pooled(tf.nn.max_pool2d, tensor, window, "VALID" if padding == "PAD" else padding))


@operator("AveragePool")
def average_pool(node: Node, x: Value) -> Value:
    """The mean of each window; over the elements inside only, unless ``count_include_pad``."""
    sizes = x.shape[2:]
    window = read_window(node, node.get("kernel_shape"), sizes)
    if set(window.dilations) != {1}:
        raise node.fail("TFLite has no dilated pool")
    padding, counted = window.padding(sizes), bool(node.get("count_include_pad", 0))
    if padding == "VALID" or (padding == "SAME" and not counted and len(sizes) < 3):
        return Value(last=_pooled(tf.nn.avg_pool2d, x.last, window, padding))
    pads = node.get("pads", [0] * 2 * len(sizes))
    inside = [(pads[axis], pads[axis + len(sizes)]) if counted else (0, 0) for axis in range(len(sizes))]
    factors = math.prod(window.kernel) / counts(window, sizes, inside)
    result = _pooled(tf.nn.avg_pool2d, padded(x.last, window), window, "VALID")
    return Value(last=result if np.all(factors == 1) else result * factors[None, ..., None].astype(np.float32))


def _pooled(pool: Pool, x: Any, window: Window, padding: str) -> Any:
    kernel, strides = list(window.kernel), list(window.strides)
    if len(kernel) == 2:
        return pool(x, kernel, strides, padding)
    if len(kernel) == 1:
        return tf.squeeze(pool(tf.expand_dims(x, 1), [1, *kernel], [1, *strides], padding), 1)
    batch, depth, height, width, channels = x.shape
    flat = pool(tf.reshape(x, [batch * depth, height, width, channels]), kernel[1:], strides[1:], padding)
    rows, columns = flat.shape[1:3]
    deep = tf.reshape(flat, [batch, depth, rows * columns, channels])
    deep = pool(deep, [kernel[0], 1], [strides[0], 1], padding)
    return tf.reshape(deep, [batch, deep.shape[1], rows, columns, channels])


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: Node, x: Value) -> Value:
    """Over all spatial axes, which stay with length one."""
    function = tf.reduce_mean if node.kind == "GlobalAveragePool" else tf.reduce_max
    return x.along(range(2, x.rank), lambda tensor, axes: function(tensor, axes, True))
