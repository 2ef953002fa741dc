"""Normalizations, written as what they compute."""

import math
from typing import Any

import numpy as np

from exporter.formats.tflite.onnx_tensorflow.elementwise import pair
from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, operator, tf


def _normalized(x: Any, axes: list[int], epsilon: float) -> Any:
    centred = x - tf.reduce_mean(x, axes, True)
    return centred * tf.math.rsqrt(tf.reduce_mean(centred * centred, axes, True) + epsilon)


def _per_channel(value: Value, rank: int) -> Value:
    """A vector of one number a channel, ready to be broadcast."""
    if value.constant is not None:
        return Value(constant=value.constant.reshape(-1, *[1] * (rank - 2)))
    return Value(tf.reshape(value.plain, [-1, *[1] * (rank - 2)]))


@operator("BatchNormalization")
def batch_normalization(node: Node, x: Value, scale: Value, bias: Value, mean: Value, variance: Value) -> Value:
    """A line a channel."""
    if node.get("training_mode", 0):
        raise node.fail("it takes its statistics from the batch; call eval() on the model")
    numbers = [
        constant(node, item, name)
        for item, name in ((scale, "scale"), (bias, "bias"), (mean, "mean"), (variance, "variance"))
    ]
    factor = numbers[0] / np.sqrt(numbers[3].astype(np.float64) + node.get("epsilon", 1e-5))
    offset = numbers[1] - numbers[2] * factor
    factor_value, offset_value = (
        _per_channel(Value(constant=item.astype(np.float32)), x.rank) for item in (factor, offset)
    )
    return pair(pair(x, factor_value, tf.multiply), offset_value, tf.add)


@operator("InstanceNormalization")
def instance_normalization(node: Node, x: Value, scale: Value, bias: Value) -> Value:
    """Over the spatial axes of each example's channels."""
    normal = x.along(range(2, x.rank), lambda tensor, axes: _normalized(tensor, axes, node.get("epsilon", 1e-5)))
    return pair(pair(normal, _per_channel(scale, x.rank), tf.multiply), _per_channel(bias, x.rank), tf.add)


@operator("LayerNormalization")
def layer_normalization(node: Node, x: Value, scale: Value, bias: Value | None = None) -> list[Value]:
    """Over the last axes, from ``axis`` on."""
    axes = list(range(node.get("axis", -1) % x.rank, x.rank))
    normal = _normalized(x.plain, axes, node.get("epsilon", 1e-5)) * scale.plain
    return [Value(normal if bias is None else normal + bias.plain)]


@operator("MeanVarianceNormalization")
def mean_variance_normalization(node: Node, x: Value) -> Value:
    """Over the given axes."""
    return x.along(node.get("axes", [0, 2, 3]), lambda tensor, axes: _normalized(tensor, axes, 1e-9))


@operator("LpNormalization")
def lp_normalization(node: Node, x: Value) -> Value:
    """Divided by its length along an axis."""

    def divide(tensor: Any, axes: list[int]) -> Any:
        if node.get("p", 2) == 1:
            return tensor / tf.reduce_sum(tf.abs(tensor), axes, True)
        return tensor / tf.sqrt(tf.reduce_sum(tensor * tensor, axes, True))

    return x.along([node.get("axis", -1)], divide)


@operator("LRN")
def local_response(node: Node, x: Value) -> Value:
    """Divided by a power of the mean square of neighbouring channels."""
    size, tensor = node.get("size"), x.last
    before, after = (size - 1) // 2, math.ceil((size - 1) / 2)
    paddings = [(0, 0)] * (x.rank - 1) + [(before, after)]
    squares, channels = tf.pad(tensor * tensor, paddings), x.shape[1]
    total = tf.add_n([squares[..., start : start + channels] for start in range(size)])
    base = node.get("bias", 1.0) + (node.get("alpha", 1e-4) / size) * total
    return Value(last=tensor * tf.exp(-node.get("beta", 0.75) * tf.math.log(base)))
