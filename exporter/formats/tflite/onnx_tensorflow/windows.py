"""Windows over spatial axes: strides, padding, and what TensorFlow's two kinds of padding can do of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.formats.tflite.onnx_tensorflow.node import Node, tf


@dataclass(frozen=True)
class Window:
    """How a kernel moves over the spatial axes; one number an axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def extent(self) -> tuple[int, ...]:
        """What a dilated kernel covers."""
        return tuple((size - 1) * step + 1 for size, step in zip(self.kernel, self.dilations, strict=True))

    def padding(self, sizes: Sequence[int]) -> str:
        """``SAME`` where TensorFlow's padding of that name is this one, ``VALID`` where there is none, else ``PAD``."""
        if not any(self.before) and not any(self.after):
            return "VALID"
        wanted = [
            max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
            for size, stride, extent in zip(sizes, self.strides, self.extent, strict=True)
        ]
        same = all(
            (before, after) == (total // 2, total - total // 2)
            for before, after, total in zip(self.before, self.after, wanted, strict=True)
        )
        return "SAME" if same else "PAD"

    def steps(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Output sizes."""
        return tuple(
            (size + before + after - extent) // stride + 1
            for size, before, after, extent, stride in zip(
                sizes, self.before, self.after, self.extent, self.strides, strict=True
            )
        )


def read_window(node: Node, kernel: Sequence[int], sizes: Sequence[int]) -> Window:
    """The window of a convolution or pool; ``auto_pad`` and ``ceil_mode`` become plain padding."""
    count = len(kernel)
    strides, dilations = node.get("strides", [1] * count), node.get("dilations", [1] * count)
    pads = node.get("pads", [0] * 2 * count)
    before, after = list(pads[:count]), list(pads[count:])
    for axis, size in enumerate(sizes):
        extent = (kernel[axis] - 1) * dilations[axis] + 1
        if node.get("auto_pad", "NOTSET") in ("SAME_UPPER", "SAME_LOWER"):
            total = max((math.ceil(size / strides[axis]) - 1) * strides[axis] + extent - size, 0)
            small, large = total // 2, total - total // 2
            upper = node.get("auto_pad") == "SAME_UPPER"
            before[axis], after[axis] = (small, large) if upper else (large, small)
        if node.get("ceil_mode", 0):
            rest = (size + before[axis] + after[axis] - extent) % strides[axis]
            begins_inside = size + before[axis] + after[axis] - extent - rest + strides[axis] < size + before[axis]
            after[axis] += strides[axis] - rest if rest and begins_inside else 0
    return Window(tuple(kernel), tuple(strides), tuple(dilations), tuple(before), tuple(after))


def padded(x: Any, window: Window, value: float = 0.0) -> Any:
    """A tensor with channels last, padded by constants."""
    spatial = list(zip(window.before, window.after, strict=True))
    return tf.pad(x, [(0, 0), *spatial, (0, 0)], constant_values=value)


def counts(window: Window, sizes: Sequence[int], pads: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """How many elements each average is over; `pads` count as elements.

    Returns:
        Shape of the output's spatial axes.
    """
    result = np.ones((), np.float32)
    for axis, steps in enumerate(window.steps(sizes)):
        starts = np.arange(steps) * window.strides[axis] - window.before[axis]
        places = starts[:, None] + np.arange(window.kernel[axis]) * window.dilations[axis]
        counted = (places >= -pads[axis][0]) & (places < sizes[axis] + pads[axis][1])
        result = result[..., None] * counted.sum(1).astype(np.float32)
    return result
