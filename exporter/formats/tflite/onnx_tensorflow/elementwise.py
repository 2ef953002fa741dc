"""Operators that work element by element."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, operator, tf


def _unary(kind: str, function: Callable[[Any], Any]) -> None:
    operator(kind)(lambda node, x: x.map(function))


def _root_of_rest(x: Any) -> Any:
    """sqrt(1 - x^2), as a product: it loses no digits where x is near 1."""
    return tf.sqrt((1 - x) * (1 + x))


_ERF_TOP = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_ERF_BOTTOM = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


def error_function(x: Any) -> Any:
    """The error function, which TFLite lacks, as a quotient of polynomials.

    The coefficients are those of Eigen's (``Eigen/src/SpecialFunctions``, erf of floats): right to the last bits of
    a float32; beyond 4 it is 1.
    """
    near = tf.clip_by_value(x, -4.0, 4.0)
    square = near * near
    return near * _polynomial(square, _ERF_TOP) / _polynomial(square, _ERF_BOTTOM)


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Horner's scheme, the highest power first."""
    total = coefficients[0]
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total


# TFLite has no tangent, no inverse functions but ATAN2, and no hyperbolic functions but TANH.
_UNARY: dict[str, Callable[[Any], Any]] = {
    "Abs": tf.abs,
    "Neg": tf.negative,
    "Exp": tf.exp,
    "Log": tf.math.log,
    "Sqrt": tf.sqrt,
    "Sin": tf.sin,
    "Cos": tf.cos,
    "Tan": lambda x: tf.sin(x) / tf.cos(x),
    "Tanh": tf.tanh,
    "Sigmoid": tf.sigmoid,
    "Relu": tf.nn.relu,
    "Floor": tf.floor,
    "Ceil": tf.math.ceil,
    "Round": tf.round,
    "Sign": tf.sign,
    "Not": tf.logical_not,
    "Identity": tf.identity,
    "Reciprocal": lambda x: 1 / x,
    "Atan": lambda x: tf.atan2(x, tf.ones_like(x)),
    "Asin": lambda x: tf.atan2(x, _root_of_rest(x)),
    "Acos": lambda x: tf.atan2(_root_of_rest(x), x),
    "Sinh": lambda x: (tf.exp(x) - tf.exp(-x)) / 2,
    "Cosh": lambda x: (tf.exp(x) + tf.exp(-x)) / 2,
    "Asinh": lambda x: tf.sign(x) * tf.math.log(tf.abs(x) + tf.sqrt(x * x + 1)),
    "Acosh": lambda x: tf.math.log(x + tf.sqrt(x * x - 1)),
    "Atanh": lambda x: tf.math.log((1 + x) / (1 - x)) / 2,
    "Erf": error_function,
    "Softplus": lambda x: tf.nn.relu(x) + tf.math.log(1 + tf.exp(-tf.abs(x))),
    "Softsign": lambda x: x / (1 + tf.abs(x)),
    "HardSwish": lambda x: x * tf.nn.relu6(x + 3) * (1 / 6),
    "Mish": lambda x: x * tf.tanh(tf.nn.relu(x) + tf.math.log(1 + tf.exp(-tf.abs(x)))),
    "IsNaN": lambda x: tf.not_equal(x, x),
}
for _kind, _function in _UNARY.items():
    _unary(_kind, _function)


def pair(a: Value, b: Value, function: Callable[[Any, Any], Any]) -> Value:
    """`function` of two values that are broadcast as NumPy does."""
    rank = max(a.rank, b.rank)
    if rank > 2 and (a.is_last or b.is_last) and all(_goes_last(item, rank) for item in (a, b)):
        return Value(last=function(_last_of_rank(a, rank), _last_of_rank(b, rank)))
    return Value(function(a.plain, b.plain))


def _goes_last(value: Value, rank: int) -> bool:
    return value.rank == rank or value.constant is not None


def _last_of_rank(value: Value, rank: int) -> Any:
    if value.constant is None:
        return value.last
    if value.constant.size == 1:
        return tf.constant(value.constant.reshape([]))
    shape = (1,) * (rank - value.rank) + value.constant.shape
    moved = np.moveaxis(value.constant.reshape(shape), 1, -1)
    leading = next((axis for axis, size in enumerate(moved.shape) if size > 1), len(moved.shape) - 1)
    return tf.constant(moved.reshape(moved.shape[leading:]))


def _divide(a: Any, b: Any) -> Any:
    if not a.dtype.is_integer:
        return a / b
    quotient = tf.abs(a) // tf.abs(b)  # whole numbers are divided towards zero
    return tf.where(tf.equal(tf.less(a, 0), tf.less(b, 0)), quotient, -quotient)


def _power(a: Any, b: Any) -> Any:
    return tf.pow(a, tf.cast(b, a.dtype))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Sub": tf.subtract,
    "Mul": tf.multiply,
    "Div": _divide,
    "Pow": _power,
    "Equal": tf.equal,
    "Greater": tf.greater,
    "Less": tf.less,
    "GreaterOrEqual": tf.greater_equal,
    "LessOrEqual": tf.less_equal,
    "And": tf.logical_and,
    "Or": tf.logical_or,
    "Xor": tf.not_equal,
}
for _kind, _binary in _BINARY.items():
    operator(_kind)(lambda node, a, b, function=_binary: pair(a, b, function))

_VARIADIC: dict[str, Callable[[Any, Any], Any]] = {
    "Add": tf.add,
    "Sum": tf.add,
    "Max": tf.maximum,
    "Min": tf.minimum,
}


def _folded(function: Callable[[Any, Any], Any]) -> Callable[..., Value]:
    def apply(_: Node, first: Value, *others: Value) -> Value:
        for other in others:
            first = pair(first, other, function)
        return first

    return apply


for _kind, _binary in _VARIADIC.items():
    operator(_kind)(_folded(_binary))


@operator("Mean")
def mean(node: Node, first: Value, *others: Value) -> Value:
    """The mean of several tensors."""
    return _folded(tf.add)(node, first, *others).map(lambda x: x / (1 + len(others)))


@operator("Mod")
def modulo(node: Node, a: Value, b: Value) -> Value:
    """The rest with the sign of the divisor, or with `fmod` of the dividend."""
    if not node.get("fmod", 0):
        return pair(a, b, tf.math.floormod)
    return pair(a, b, lambda x, y: tf.sign(x) * tf.math.floormod(tf.abs(x), tf.abs(y)))


@operator("Where")
def where(node: Node, condition: Value, x: Value, y: Value) -> Value:
    """Elements of `x` where `condition`, else of `y`."""
    return Value(tf.where(condition.plain, x.plain, y.plain))


@operator("Cast", "CastLike")
def cast(node: Node, x: Value, like: Value | None = None) -> Value:
    """Another type; floats become whole numbers towards zero."""
    wanted = like.dtype if like else tf.as_dtype(onnx.helper.tensor_dtype_to_np_dtype(node.get("to")))
    if x.constant is not None:
        return Value(constant=x.constant.astype(wanted.as_numpy_dtype))
    return x.map(lambda tensor: tf.cast(tensor, wanted))


@operator("Clip")
def clip(node: Node, x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    """Between two numbers."""
    least: Any = None if low is None else constant(node, low, "minimum").reshape([])
    most: Any = None if high is None else constant(node, high, "maximum").reshape([])
    if (least, most) == (0, 6):
        return x.map(tf.nn.relu6)  # TFLite fuses it into the operator before
    x = x if least is None else x.map(lambda tensor: tf.maximum(tensor, least))
    return x if most is None else x.map(lambda tensor: tf.minimum(tensor, most))


@operator("LeakyRelu")
def leaky_relu(node: Node, x: Value) -> Value:
    """With a slope below zero."""
    return x.map(lambda tensor: tf.nn.leaky_relu(tensor, node.get("alpha", 0.01)))


@operator("PRelu")
def prelu(node: Node, x: Value, slope: Value) -> Value:
    """With a slope a channel below zero."""
    return pair(x, slope, lambda a, b: tf.nn.relu(a) - b * tf.nn.relu(-a))


@operator("Elu", "Celu", "Selu")
def elu(node: Node, x: Value) -> Value:
    """Exponential below zero: gamma * alpha * (exp(x / scale) - 1)."""
    defaults = {"Elu": 1.0, "Celu": 1.0, "Selu": 1.67326319217681884765625}
    alpha = node.get("alpha", defaults[node.kind])
    gamma = node.get("gamma", 1.05070102214813232421875) if node.kind == "Selu" else 1.0
    inner = alpha if node.kind == "Celu" else 1.0
    return x.map(lambda tensor: gamma * (tf.nn.relu(tensor) + alpha * tf.nn.elu(tf.minimum(tensor, 0) / inner)))


@operator("HardSigmoid")
def hard_sigmoid(node: Node, x: Value) -> Value:
    """A line between 0 and 1."""
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    return x.map(lambda tensor: tf.clip_by_value(alpha * tensor + beta, 0.0, 1.0))


@operator("ThresholdedRelu")
def thresholded_relu(node: Node, x: Value) -> Value:
    """Zero up to a threshold."""
    return x.map(lambda tensor: tf.where(tensor > node.get("alpha", 1.0), tensor, tf.zeros_like(tensor)))


@operator("Shrink")
def shrink(node: Node, x: Value) -> Value:
    """Zero between -lambd and lambd, `bias` nearer to zero outside."""
    bias, limit = node.get("bias", 0.0), node.get("lambd", 0.5)
    return x.map(lambda t: tf.where(t < -limit, t + bias, tf.where(t > limit, t - bias, tf.zeros_like(t))))


@operator("Gelu")
def gelu(node: Node, x: Value) -> Value:
    """With the error function, or by tanh; TFLite has an operator for both."""
    return x.map(lambda tensor: tf.nn.gelu(tensor, approximate=node.get("approximate", "none") == "tanh"))


@operator("IsInf")
def is_infinite(node: Node, x: Value) -> Value:
    """Either infinity, or one of them."""
    kept = [
        limit for limit, name in ((math.inf, "detect_positive"), (-math.inf, "detect_negative")) if node.get(name, 1)
    ]
    if len(kept) != 1:
        return x.map(lambda tensor: tf.equal(tf.abs(tensor), math.inf if kept else math.nan))
    return x.map(lambda tensor: tf.equal(tensor, kept[0]))


@operator("Dropout")
def dropout(node: Node, x: Value, *operands: Value | None) -> list[Value]:
    """Nothing, in a model that only runs."""
    if len(operands) > 1 and operands[1] is not None and np.any(constant(node, operands[1], "training_mode")):
        raise node.fail("it drops elements at random, as only a training does")
    return [x]
