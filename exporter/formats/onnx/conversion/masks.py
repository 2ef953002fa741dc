"""Attention masks of an ONNX model: what stands for minus infinity must not decide an int8 scale."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

_FAR = 1e3
"""What lies further below the rest is nothing after a softmax: exp(-1e3) is 0 in float32."""
_PASSING = {
    "Add": slice(2),
    "Sub": slice(2),
    "Mul": slice(2),
    "Where": slice(1, 3),
    "Div": slice(1),
    **dict.fromkeys(("Reshape", "Transpose", "Unsqueeze", "Squeeze", "Expand", "Cast", "Slice", "Identity"), slice(1)),
}
"""Operators that a mask comes through, with the operands that it can come in by."""


def masked_nodes(model: Any) -> list[str]:
    """Names of the softmax nodes that read a mask, and of the nodes that it comes through.

    ONNX Runtime's quantizer takes every value of a mask for one that matters. These nodes stay in float, around which
    it keeps the rest in int8.

    Args:
        model: its nodes have names.
    """
    masks = _Masks(model)
    softmaxes = [node for node in model.graph.node if node.op_type in ("Softmax", "LogSoftmax")]
    return list(dict.fromkeys(name for node in softmaxes if masks.reach(node.input[0]) for name in masks.way_to(node)))


class _Masks:
    def __init__(self, model: Any) -> None:
        self.makers = {name: node for node in model.graph.node for name in node.output}
        self.constants = {item.name: item for item in model.graph.initializer}
        self.found: dict[str, bool] = {}

    def reach(self, name: str) -> bool:
        """Whether a constant of a mask is, or is part of, a value."""
        if name not in self.found:
            values = self._values(name)
            if values is not None:
                self.found[name] = values.dtype.kind == "f" and bool((np.abs(values) > _FAR).any())
            else:
                self.found[name] = any(map(self.reach, self._operands(self.makers.get(name))))
        return self.found[name]

    def way_to(self, node: Any) -> Iterator[str]:
        """Names of the node and of those that bring a mask to it."""
        yield node.name
        for name in self._operands(node) if node.op_type in _PASSING else node.input[:1]:
            if self.reach(name) and name in self.makers and self._values(name) is None:
                yield from self.way_to(self.makers[name])

    def _operands(self, node: Any) -> list[str]:
        return [] if node is None or node.op_type not in _PASSING else list(node.input[_PASSING[node.op_type]])

    def _values(self, name: str) -> NDArray[Any] | None:
        if name in self.constants:
            return np.asarray(onnx.numpy_helper.to_array(self.constants[name]))
        maker = self.makers.get(name)
        if maker is None or maker.op_type != "Constant":
            return None
        return np.asarray(onnx.numpy_helper.to_array(maker.attribute[0].t))
