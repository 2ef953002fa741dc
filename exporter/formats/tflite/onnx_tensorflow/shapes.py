"""Operators that move elements and compute nothing."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import numpy_helper

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, integers, operator, tf


def _like(x: Value, function: Any) -> Value:
    """`function` of NumPy's kind of interface: at once where the values are known."""
    return Value(constant=function(np, x.constant)) if x.constant is not None else Value(function(tf, x.plain))


@operator("Reshape")
def reshape(node: Node, x: Value, shape: Value) -> Value:
    """Another shape; 0 keeps an axis, -1 takes what is left."""
    wanted = integers(node, shape, "shape")
    if not node.get("allowzero", 0):
        wanted = [x.shape[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    return _like(x, lambda lib, value: lib.reshape(value, wanted))


@operator("Flatten")
def flatten(node: Node, x: Value) -> Value:
    """Two axes."""
    axis = node.get("axis", 1)
    axis = axis + x.rank if axis < 0 else axis
    wanted = [math.prod(x.shape[:axis]), math.prod(x.shape[axis:])]
    return _like(x, lambda lib, value: lib.reshape(value, wanted))


@operator("Squeeze")
def squeeze(node: Node, x: Value, axes: Value | None = None) -> Value:
    """Without axes of length one."""
    chosen = integers(node, axes, "axes") if axes is not None else node.get("axes")
    gone = {axis % x.rank for axis in chosen} if chosen else {axis for axis in range(x.rank) if x.shape[axis] == 1}
    wanted = [size for axis, size in enumerate(x.shape) if axis not in gone]
    return _like(x, lambda lib, value: lib.reshape(value, wanted))


@operator("Unsqueeze")
def unsqueeze(node: Node, x: Value, axes: Value | None = None) -> Value:
    """With new axes of length one."""
    chosen = integers(node, axes, "axes") if axes is not None else node.get("axes")
    rank = x.rank + len(chosen)
    new, old = {axis % rank for axis in chosen}, iter(x.shape)
    wanted = [1 if axis in new else next(old) for axis in range(rank)]
    return _like(x, lambda lib, value: lib.reshape(value, wanted))


@operator("Transpose")
def transpose(node: Node, x: Value) -> Value:
    """The axes in another order; from and to channels last it may cost nothing."""
    order = list(node.get("perm", range(x.rank)[::-1]))
    to_last = [0, *range(2, x.rank), 1]
    if x.is_last and order == to_last:
        return Value(x.last)
    if x.constant is None and not x.is_last and x.rank > 2 and order == [0, x.rank - 1, *range(1, x.rank - 1)]:
        return Value(last=x.plain)
    return _like(x, lambda lib, value: lib.transpose(value, order))


@operator("Concat")
def concat(node: Node, *parts: Value) -> Value:
    """One after the other along an axis."""
    axis = node.get("axis") % parts[0].rank
    if all(part.constant is not None for part in parts):
        return Value(constant=np.concatenate([part.constant for part in parts if part.constant is not None], axis))
    if any(part.is_last for part in parts):
        return Value(last=tf.concat([part.last for part in parts], parts[0].last_axis(axis)))
    return Value(tf.concat([part.plain for part in parts], axis))


@operator("Split")
def split(node: Node, x: Value, sizes: Value | None = None) -> list[Value]:
    """Pieces along an axis."""
    axis = node.get("axis", 0) % x.rank
    lengths = integers(node, sizes, "sizes") if sizes is not None else node.get("split")
    if lengths is None:
        each = math.ceil(x.shape[axis] / len(node.outputs))
        lengths = [min(each, x.shape[axis] - start) for start in range(0, x.shape[axis], each)]
    if x.is_last:
        return [Value(last=piece) for piece in tf.split(x.last, lengths, x.last_axis(axis))]
    return [Value(piece) for piece in tf.split(x.plain, lengths, axis)]


@operator("Slice")
def slice_(node: Node, x: Value, *operands: Value) -> Value:
    """Ranges with steps, also backwards."""
    if operands:
        starts, ends = (integers(node, item, "bounds") for item in operands[:2])
        axes = integers(node, operands[2], "axes") if len(operands) > 2 and operands[2] else list(range(len(starts)))
        steps = integers(node, operands[3], "steps") if len(operands) > 3 else [1] * len(starts)
    else:
        starts, ends = list(node.get("starts")), list(node.get("ends"))
        axes, steps = list(node.get("axes", range(len(starts)))), [1] * len(starts)
    chosen = dict(zip([axis % x.rank for axis in axes], zip(starts, ends, steps, strict=True), strict=True))
    if x.constant is not None:
        return Value(constant=x.constant[tuple(_python_slice(chosen.get(axis)) for axis in range(x.rank))])
    return x.along(list(chosen), lambda tensor, at: _sliced(tensor, dict(zip(at, chosen.values(), strict=True))))


def _python_slice(bounds: tuple[int, int, int] | None) -> slice:
    if bounds is None:
        return slice(None)
    start, end, step = bounds
    return slice(start, None if step < 0 and end < -(2**31) + 2 else end, step)


def _sliced(x: Any, chosen: dict[int, tuple[int, int, int]]) -> Any:
    """A slice of positive steps, of the reversed axes where the step is negative."""
    slices, backwards = [], []
    for axis, size in enumerate(x.shape):
        places = range(size)[_python_slice(chosen.get(axis))]
        step = chosen.get(axis, (0, 0, 1))[2]
        if step < 0:
            backwards.append(axis)
            places = range(size - 1 - places.start, size - 1 - places.stop, -places.step)
        slices.append(slice(places.start, places.stop, places.step))
    reversed_ = tf.reverse(x, backwards) if backwards else x
    whole = all((item.start, item.stop, item.step) == (0, size, 1) for item, size in zip(slices, x.shape, strict=True))
    return reversed_ if whole else reversed_[tuple(slices)]


@operator("Expand")
def expand(node: Node, x: Value, shape: Value) -> Value:
    """Axes of length one repeated."""
    wanted = np.broadcast_shapes(x.shape, tuple(integers(node, shape, "shape")))
    return _like(x, lambda lib, value: lib.broadcast_to(value, wanted))


@operator("Tile")
def tile(node: Node, x: Value, repeats: Value) -> Value:
    """Repeated along axes."""
    times = integers(node, repeats, "repeats")
    return _like(x, lambda lib, value: lib.tile(value, times))


@operator("Pad")
def pad(
    node: Node, x: Value, pads: Value | None = None, filler: Value | None = None, axes: Value | None = None
) -> Value:
    """Around the edges: a number, or what is inside mirrored, repeated or wrapped; negative pads cut."""
    numbers = integers(node, pads, "pads") if pads is not None else list(node.get("pads"))
    chosen = integers(node, axes, "axes") if axes is not None else list(range(x.rank))
    widths = [(0, 0)] * x.rank
    for position, axis in enumerate(chosen):
        widths[axis % x.rank] = (numbers[position], numbers[position + len(chosen)])
    value = float(constant(node, filler, "value").reshape(-1)[0]) if filler is not None else node.get("value", 0.0)
    mode = node.get("mode", "constant")

    def padded(tensor: Any, at: Sequence[int]) -> Any:
        return _padded(tensor, [widths[at.index(axis)] for axis in range(x.rank)], mode, value)

    return x.along(range(x.rank), padded)


def _padded(x: Any, widths: list[tuple[int, int]], mode: str, value: float) -> Any:
    cut = tuple(
        slice(max(-before, 0), size - max(-after, 0)) for (before, after), size in zip(widths, x.shape, strict=True)
    )
    if any(before < 0 or after < 0 for before, after in widths):
        x = x[cut]
    positive = [(max(before, 0), max(after, 0)) for before, after in widths]
    if mode == "constant":
        # With zeros it becomes PAD; with a number given, even zero, PADV2, which keeps its neighbours from int8.
        return tf.pad(x, positive, constant_values=tf.cast(value, x.dtype)) if value else tf.pad(x, positive)
    if mode == "reflect":
        return tf.pad(x, positive, "REFLECT")
    for axis, (before, after) in enumerate(positive):
        if before or after:
            places = np.arange(-before, x.shape[axis] + after)
            places = places.clip(0, x.shape[axis] - 1) if mode == "edge" else places % x.shape[axis]
            x = tf.gather(x, places.astype(np.int32), axis=axis)
    return x


@operator("Shape")
def shape(node: Node, x: Value) -> Value:
    """Sizes of the axes, which are known."""
    return Value(constant=np.array(x.shape[node.get("start", 0) : node.get("end", None)], np.int64))


@operator("Size")
def size(_: Node, x: Value) -> Value:
    """Number of elements."""
    return Value(constant=np.array(math.prod(x.shape), np.int64))


_CONSTANT_TYPES = {
    "value_float": np.float32,
    "value_int": np.int64,
    "value_floats": np.float32,
    "value_ints": np.int64,
}


@operator("Constant")
def constant_node(node: Node) -> Value:
    """Values that stand in the graph."""
    if "value" in node.attributes:
        return Value(constant=numpy_helper.to_array(node.attributes["value"]))
    for name, dtype in _CONSTANT_TYPES.items():
        if name in node.attributes:
            return Value(constant=np.array(node.attributes[name], dtype))
    raise node.fail("a constant of text or of a sparse tensor")


@operator("ConstantOfShape")
def constant_of_shape(node: Node, shape: Value) -> Value:
    """One number everywhere."""
    value = node.attributes.get("value")
    number = numpy_helper.to_array(value).reshape(-1)[0] if value is not None else np.float32(0)
    return Value(constant=np.full(integers(node, shape, "shape"), number))


@operator("Range")
def range_(node: Node, start: Value, limit: Value, delta: Value) -> Value:
    """Numbers in a row."""
    first, last, step = (constant(node, item, "bounds").reshape(-1)[0] for item in (start, limit, delta))
    return Value(constant=np.arange(first, last, step, dtype=start.dtype.as_numpy_dtype))


@operator("DepthToSpace", "SpaceToDepth")
def depth_space(node: Node, x: Value) -> Value:
    """Between channels and pixels."""
    block = node.get("blocksize")
    if node.kind == "SpaceToDepth":
        return Value(last=tf.nn.space_to_depth(x.last, block))
    if node.get("mode", "DCR") == "DCR":
        return Value(last=tf.nn.depth_to_space(x.last, block))
    # In CRD order channels come first: sort them as DCR has them.
    channels = x.shape[1] // block**2
    order = np.arange(x.shape[1]).reshape(channels, block**2).T.reshape(-1)
    return Value(last=tf.nn.depth_to_space(tf.gather(x.last, order.astype(np.int32), axis=-1), block))


@operator("Trilu")
def trilu(node: Node, x: Value, diagonal: Value | None = None) -> Value:
    """The upper or lower triangle."""
    offset = int(constant(node, diagonal, "diagonal").reshape(-1)[0]) if diagonal is not None else 0
    ones = np.ones(x.shape[-2:], bool)
    kept = np.triu(ones, offset) if node.get("upper", 1) else np.tril(ones, offset)
    if x.constant is not None:
        return Value(constant=np.where(kept, x.constant, np.zeros((), x.constant.dtype)))
    return Value(tf.where(np.broadcast_to(kept, x.shape), x.plain, tf.zeros_like(x.plain)))
