"""Operators that read and write by index."""

from typing import Any

import numpy as np

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, operator, tf


def _indices(value: Value, size: int) -> Any:
    """Indices from the start, of the type that TFLite's kernels take."""
    if value.constant is not None:
        return tf.constant((value.constant % size).astype(np.int32))
    given = tf.cast(value.plain, tf.int32)
    return tf.where(given < 0, given + size, given)


@operator("Gather")
def gather(node: Node, x: Value, indices: Value) -> Value:
    """Slices along an axis."""
    axis = node.get("axis", 0) % x.rank
    if x.constant is not None and indices.constant is not None:
        return Value(constant=np.take(x.constant, indices.constant, axis))
    if x.is_last and indices.rank == 1:
        return Value(last=tf.gather(x.last, _indices(indices, x.shape[axis]), axis=x.last_axis(axis)))
    return Value(tf.gather(x.plain, _indices(indices, x.shape[axis]), axis=axis))


def _places(indices: Any, axis: int) -> Any:
    """Full coordinates of elements whose index along `axis` is given: shape (*indices, rank)."""
    grid = np.meshgrid(*(np.arange(size, dtype=np.int32) for size in indices.shape), indexing="ij")
    return tf.stack([indices if at == axis else tf.constant(grid[at]) for at in range(len(grid))], -1)


@operator("GatherElements")
def gather_elements(node: Node, x: Value, indices: Value) -> Value:
    """One element for every index."""
    axis = node.get("axis", 0) % x.rank
    return Value(tf.gather_nd(x.plain, _places(_indices(indices, x.shape[axis]), axis)))


@operator("GatherND")
def gather_nd(node: Node, x: Value, indices: Value) -> Value:
    """Slices by coordinates."""
    if node.get("batch_dims", 0):
        raise node.fail("TFLite has no batched gather by coordinates")
    return Value(tf.gather_nd(x.plain, tf.cast(indices.plain, tf.int32)))


def _scattered(node: Node, x: Value, places: Any, updates: Any) -> Value:
    """`x` with some elements replaced or added to; TFLite writes into zeros only."""
    kind = node.get("reduction", "none")
    shape = list(x.shape)
    written = tf.scatter_nd(places, updates, shape)
    if kind == "add":
        return Value(x.plain + written)
    if kind != "none":
        raise node.fail(f"reduction {kind} is not known")
    hit = tf.scatter_nd(places, tf.ones_like(updates), shape)
    return Value(tf.where(tf.equal(hit, 0), x.plain, written))


@operator("ScatterND")
def scatter_nd(node: Node, x: Value, indices: Value, updates: Value) -> Value:
    """Slices replaced by coordinates."""
    if indices.constant is not None and node.get("reduction", "none") == "none":
        places = tf.constant(indices.constant.astype(np.int32))
    else:
        places = tf.cast(indices.plain, tf.int32)
    return _typed(node, x, places, updates.plain)


@operator("ScatterElements", "Scatter")
def scatter_elements(node: Node, x: Value, indices: Value, updates: Value) -> Value:
    """Single elements replaced along an axis."""
    axis = node.get("axis", 0) % x.rank
    return _typed(node, x, _places(_indices(indices, x.shape[axis]), axis), updates.plain)


def _typed(node: Node, x: Value, places: Any, updates: Any) -> Value:
    """Booleans are scattered as numbers, which TFLite can."""
    if x.dtype != tf.bool:
        return _scattered(node, x, places, updates)
    numbers = Value(tf.cast(x.plain, tf.int32))
    return Value(tf.cast(_scattered(node, numbers, places, tf.cast(updates, tf.int32)).plain, tf.bool))


@operator("OneHot")
def one_hot(node: Node, indices: Value, depth: Value, values: Value) -> Value:
    """A vector for every index."""
    count = int(constant(node, depth, "depth").reshape(-1)[0])
    off, on = constant(node, values, "values")
    ids = tf.cast(indices.plain, tf.int32)
    ids = tf.where(ids < 0, ids + count, ids)
    return Value(tf.one_hot(ids, count, on, off, axis=node.get("axis", -1), dtype=values.dtype))


@operator("TopK")
def top_k(node: Node, x: Value, count: Value) -> list[Value]:
    """The largest or smallest elements along an axis, and where they are."""
    axis, largest = node.get("axis", -1) % x.rank, bool(node.get("largest", 1))
    wanted = int(constant(node, count, "k").reshape(-1)[0])
    order = [item for item in range(x.rank) if item != axis] + [axis]
    tensor = x.plain if axis == x.rank - 1 else tf.transpose(x.plain, order)
    values, places = tf.math.top_k(tensor if largest else -tensor, wanted)
    values = values if largest else -values
    back = np.argsort(order)
    results = (values, tf.cast(places, tf.int64))
    return [Value(item if axis == x.rank - 1 else tf.transpose(item, back)) for item in results]


@operator("NonZero")
def non_zero(_: Node, x: Value) -> Value:
    """Coordinates of elements that are not zero: shape (rank, count)."""
    return Value(tf.transpose(tf.where(tf.not_equal(x.plain, tf.zeros_like(x.plain)))))
