"""Sums and products over axes: matrix products, reductions, running sums."""

from collections.abc import Callable
from typing import Any

import numpy as np

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, integers, operator, tf


@operator("MatMul")
def matmul(node: Node, a: Value, b: Value) -> Value:
    """The product of matrices, or of a stack of them; a vector is a row on the left, a column on the right."""
    left, right = a.plain, b.plain
    if a.rank == 1 or b.rank == 1:
        left = left[None] if a.rank == 1 else left
        right = right[:, None] if b.rank == 1 else right
        product = tf.matmul(left, right)
        gone = [axis for axis, side in ((product.shape.rank - 2, a), (product.shape.rank - 1, b)) if side.rank == 1]
        return Value(tf.squeeze(product, gone))
    if a.rank > 2 and b.rank == 2 and b.constant is not None:
        rows = tf.matmul(tf.reshape(left, [-1, a.shape[-1]]), right)  # one FULLY_CONNECTED
        return Value(tf.reshape(rows, [*a.shape[:-1], b.shape[-1]]))
    return Value(tf.matmul(left, right))


@operator("Gemm")
def gemm(node: Node, a: Value, b: Value, c: Value | None = None) -> Value:
    """The product a @ b times alpha, plus beta * c."""
    weight = b
    if b.constant is not None:
        values = b.constant.T if node.get("transB", 0) else b.constant
        weight = Value(constant=np.ascontiguousarray(values * np.float32(node.get("alpha", 1.0))))
    left = tf.transpose(a.plain) if node.get("transA", 0) else a.plain
    product = tf.matmul(left, weight.plain, transpose_b=bool(node.get("transB", 0)) and b.constant is None)
    if b.constant is None and node.get("alpha", 1.0) != 1.0:
        product *= node.get("alpha")
    if c is None:
        return Value(product)
    scale = node.get("beta", 1.0)
    return Value(product + (c.plain if scale == 1.0 else c.plain * scale))


@operator("Einsum")
def einsum(node: Node, *operands: Value) -> Value:
    """A sum of products by subscripts."""
    return Value(tf.einsum(node.get("equation").replace(" ", ""), *(item.plain for item in operands)))


def _prod(x: Any, axes: list[int], keepdims: bool) -> Any:
    return tf.reduce_prod(x, axes, keepdims)


_REDUCTIONS: dict[str, Callable[[Any, list[int], bool], Any]] = {
    "ReduceMean": tf.reduce_mean,
    "ReduceSum": tf.reduce_sum,
    "ReduceMax": tf.reduce_max,
    "ReduceMin": tf.reduce_min,
    "ReduceProd": _prod,
    "ReduceL1": lambda x, axes, keep: tf.reduce_sum(tf.abs(x), axes, keep),
    "ReduceL2": lambda x, axes, keep: tf.sqrt(tf.reduce_sum(x * x, axes, keep)),
    "ReduceSumSquare": lambda x, axes, keep: tf.reduce_sum(x * x, axes, keep),
    "ReduceLogSum": lambda x, axes, keep: tf.math.log(tf.reduce_sum(x, axes, keep)),
    "ReduceLogSumExp": lambda x, axes, keep: _log_sum_exp(x, axes, keep),
}


def _log_sum_exp(x: Any, axes: list[int], keepdims: bool) -> Any:
    most = tf.reduce_max(x, axes, True)
    total = tf.math.log(tf.reduce_sum(tf.exp(x - most), axes, True)) + most
    return total if keepdims else tf.squeeze(total, axes)


def _reduce(node: Node, x: Value, axes: Value | None = None) -> Value:
    chosen = integers(node, axes, "axes") if axes is not None else list(node.get("axes", []))
    if not chosen and node.get("noop_with_empty_axes", 0):
        return x
    function, keep = _REDUCTIONS[node.kind], bool(node.get("keepdims", 1))
    chosen = [axis % x.rank for axis in chosen] or list(range(x.rank))
    if keep:
        return x.along(chosen, lambda tensor, at: function(tensor, at, True))
    if x.is_last and set(range(2, x.rank)) <= set(chosen):  # at most batch and channels are left, in this order
        return Value(function(x.last, [x.last_axis(axis) for axis in chosen], False))
    return Value(function(x.plain, chosen, False))


for _kind in _REDUCTIONS:
    operator(_kind)(_reduce)


@operator("ArgMax", "ArgMin")
def arg_max(node: Node, x: Value) -> Value:
    """Where the largest or smallest element is, the first of equal ones."""
    if node.get("select_last_index", 0):
        raise node.fail("it wants the last of equal elements")
    function = tf.argmax if node.kind == "ArgMax" else tf.argmin
    axis = node.get("axis", 0) % x.rank
    # TFLite's NumPy-like axes: plain, because the result has fewer of them.
    found = function(x.plain, axis, output_type=tf.int64)
    return Value(tf.expand_dims(found, axis) if node.get("keepdims", 1) else found)


@operator("CumSum")
def cumsum(node: Node, x: Value, axis: Value) -> Value:
    """Running sums along an axis."""
    at = int(constant(node, axis, "axis").reshape(-1)[0])
    flags = {"exclusive": bool(node.get("exclusive", 0)), "reverse": bool(node.get("reverse", 0))}
    return x.along([at], lambda tensor, axes: tf.cumsum(tensor, axes[0], **flags))


@operator("Softmax", "LogSoftmax")
def softmax(node: Node, x: Value) -> Value:
    """Along one axis; TFLite knows only the last."""
    if node.opset < 13:
        raise node.fail("operators older than opset 13 flatten their input")
    function = tf.nn.softmax if node.kind == "Softmax" else tf.nn.log_softmax
    axis = node.get("axis", -1) % x.rank
    if axis == x.rank - 1:
        return Value(function(x.plain))
    if axis == 1:
        return Value(last=function(x.last))
    order = [item for item in range(x.rank) if item != axis] + [axis]
    moved = function(tf.transpose(x.plain, order))
    return Value(tf.transpose(moved, np.argsort(order)))
