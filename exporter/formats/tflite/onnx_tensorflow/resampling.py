"""Resize and GridSample."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, operator, tf


@operator("Resize", "Upsample")
def resize(node: Node, x: Value, *operands: Value | None) -> Value:
    """Another number of pixels: TensorFlow's operator where it is the same, else one matrix an axis."""
    axes, sizes, scales = _wanted(node, x, operands)
    tensor, places = (x.last, [x.last_axis(axis) for axis in axes]) if x.rank > 2 else (x.plain, axes)
    mode, transform = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    if places == [1, 2] and x.rank == 4:
        native = _native(node, mode, transform, tensor, sizes, scales)
        if native is not None:
            return Value(last=native)
    for place, size, scale in zip(places, sizes, scales, strict=True):
        positions = _positions(node, transform, tensor.shape[place], size, scale)
        if mode == "nearest":
            tensor = tf.gather(tensor, _nearest(node, positions, tensor.shape[place]), axis=place)
        else:
            tensor = _along(tensor, place, _matrix(node, mode, positions, tensor.shape[place], scale))
    return Value(last=tensor) if x.rank > 2 else Value(tensor)


def _wanted(node: Node, x: Value, operands: Any) -> tuple[list[int], list[int], list[float]]:
    """Axes that change, their sizes, and their scales (output / input) as ONNX computes positions with."""
    given = list(operands) + [None] * (3 - len(operands))
    if node.kind == "Upsample":
        given = [None, operands[0], None]
    _, scales, sizes = given
    count = len(node.get("axes", range(x.rank)))
    axes = [axis % x.rank for axis in node.get("axes", range(x.rank))]
    if sizes is not None and constant(node, sizes, "sizes").size:
        wanted = [int(item) for item in constant(node, sizes, "sizes")]
        factors = [size / x.shape[axis] for size, axis in zip(wanted, axes, strict=True)]
    else:
        factors = [float(item) for item in constant(node, scales, "scales")[:count]]
        wanted = [math.floor(x.shape[axis] * factor + 1e-6) for axis, factor in zip(axes, factors, strict=True)]
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch" or node.get("antialias", 0):
        raise node.fail("antialias and keep_aspect_ratio_policy are not known here")
    changing = [index for index, axis in enumerate(axes) if (wanted[index], factors[index]) != (x.shape[axis], 1.0)]
    return tuple([items[index] for index in changing] for items in (axes, wanted, factors))  # type: ignore[return-value]


def _native(node: Node, mode: str, transform: str, x: Any, sizes: list[int], scales: list[float]) -> Any:
    """TFLite's own operator where it computes the same positions; None where it does not."""
    exact = all(size == before * scale for size, before, scale in zip(sizes, x.shape[1:3], scales, strict=True))
    if mode == "linear" and (exact or transform == "align_corners"):
        known = {
            "half_pixel": (False, True),
            "pytorch_half_pixel": (False, True),
            "align_corners": (True, False),
            "asymmetric": (False, False),
        }
        if transform in known and (transform != "pytorch_half_pixel" or min(sizes) > 1):
            corners, centres = known[transform]
            return tf.raw_ops.ResizeBilinear(images=x, size=sizes, align_corners=corners, half_pixel_centers=centres)
    whole = all(scale == int(scale) for scale in scales)
    plain = transform == "asymmetric" and node.get("nearest_mode", "round_prefer_floor") == "floor"
    if mode == "nearest" and exact and whole and plain:
        return tf.raw_ops.ResizeNearestNeighbor(images=x, size=sizes, align_corners=False, half_pixel_centers=False)
    return None


def _positions(node: Node, transform: str, before: int, after: int, scale: float) -> NDArray[np.float64]:
    """Where each output element lies on the input axis."""
    index = np.arange(after, dtype=np.float64)
    if transform == "align_corners":
        return index * (before - 1) / max(after - 1, 1)
    if transform == "asymmetric":
        return index / scale
    if transform == "pytorch_half_pixel" and after == 1:
        return np.zeros(1)
    if transform not in ("half_pixel", "pytorch_half_pixel"):
        raise node.fail(f"coordinates by {transform} are not known here")
    return (index + 0.5) / scale - 0.5


def _nearest(node: Node, positions: NDArray[np.float64], size: int) -> NDArray[np.int32]:
    how = node.get("nearest_mode", "round_prefer_floor")
    shifted = {"floor": positions, "ceil": positions, "round_prefer_floor": positions - 0.5}.get(how, positions + 0.5)
    rounded = np.ceil(shifted) if how in ("ceil", "round_prefer_floor") else np.floor(shifted)
    return np.asarray(rounded.clip(0, size - 1), np.int32)


def _matrix(node: Node, mode: str, positions: NDArray[np.float64], size: int, scale: float) -> NDArray[np.float32]:
    """Rows of weights: shape (outputs, inputs). What lies outside is the element at the edge."""
    base = np.floor(positions)
    rest = positions - base
    if mode == "linear":
        taps = {0: 1 - rest, 1: rest}
    else:
        taps = {tap: cubic(tap - rest, node.get("cubic_coeff_a", -0.75)) for tap in range(-1, 3)}
    if node.get("exclude_outside", 0):
        raise node.fail("exclude_outside is not known here")
    weights = np.zeros((len(positions), size))
    for tap, share in taps.items():
        columns = (base + tap).clip(0, size - 1).astype(int)
        np.add.at(weights, (np.arange(len(positions)), columns), share)
    return weights.astype(np.float32)


def cubic(distance: NDArray[np.float64], a: float) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel (1981)."""
    x = np.abs(distance)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _along(x: Any, axis: int, matrix: NDArray[np.float32]) -> Any:
    """The product of `matrix` and one axis of `x`."""
    rank = len(x.shape)
    order = [item for item in range(rank) if item != axis] + [axis]
    rows = tf.matmul(tf.reshape(tf.transpose(x, order), [-1, x.shape[axis]]), np.ascontiguousarray(matrix.T))
    moved = tf.reshape(rows, [x.shape[item] for item in order[:-1]] + [len(matrix)])
    return tf.transpose(moved, np.argsort(order))


@operator("GridSample")
def grid_sample(node: Node, x: Value, grid: Value) -> Value:
    """Pixels at given places: bilinear or nearest; outside zeros, the edge, or a mirror."""
    mode, corners = node.get("mode", "bilinear"), bool(node.get("align_corners", 0))
    if x.rank != 4 or mode in ("bicubic", "cubic"):
        raise node.fail("only images, bilinear or nearest, can be sampled")
    batch, _, height, width = x.shape
    column, row = (
        _unnormalized(grid.plain[..., axis], size, corners, node.get("padding_mode", "zeros"))
        for axis, size in ((0, width), (1, height))
    )
    if mode == "nearest":
        return Value(last=_pick(x.last, tf.round(row), tf.round(column), batch))
    top, left = tf.floor(row), tf.floor(column)
    down, right = row - top, column - left
    corners_of = (
        (top, left, (1 - down) * (1 - right)),
        (top, left + 1, (1 - down) * right),
        (top + 1, left, down * (1 - right)),
        (top + 1, left + 1, down * right),
    )
    parts = [_pick(x.last, y, z, batch) * tf.expand_dims(weight, -1) for y, z, weight in corners_of]
    return Value(last=parts[0] + parts[1] + parts[2] + parts[3])


def _unnormalized(place: Any, size: int, corners: bool, padding: str) -> Any:
    """From -1..1 to pixels."""
    pixels = (place + 1) * ((size - 1) / 2) if corners else (place + 1) * (size / 2) - 0.5
    if padding == "border":
        return tf.clip_by_value(pixels, 0.0, size - 1.0)
    if padding == "reflection":
        low, span = (0.0, size - 1.0) if corners else (-0.5, float(size))
        if span == 0:
            return tf.zeros_like(pixels)
        turned = tf.math.floormod(tf.abs(pixels - low), 2 * span)
        return tf.clip_by_value(tf.minimum(turned, 2 * span - turned) + low, 0.0, size - 1.0)
    return pixels


def _pick(x: Any, row: Any, column: Any, batch: int) -> Any:
    """Pixels of `x` (channels last) at whole places; zeros outside."""
    height, width, channels = x.shape[1:]
    inside = tf.logical_and(
        tf.logical_and(row >= 0, row <= height - 1), tf.logical_and(column >= 0, column <= width - 1)
    )
    y, z = tf.clip_by_value(row, 0.0, height - 1.0), tf.clip_by_value(column, 0.0, width - 1.0)
    flat = tf.cast(y * float(width) + z, tf.int32) + np.arange(batch, dtype=np.int32).reshape(-1, 1, 1) * height * width
    pixels = tf.gather(tf.reshape(x, [batch * height * width, channels]), flat)
    return pixels * tf.expand_dims(tf.cast(inside, x.dtype), -1)
