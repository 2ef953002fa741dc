"""Values and nodes of a graph in translation, and the table of operators."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from exporter.formats.tflite.tensorflow import load_tensorflow

tf = load_tensorflow()


class Value:
    """A tensor of the graph, in the axes that ONNX gives it, with channels last, or both.

    Convolutions and pools of TensorFlow want channels last. Whoever makes a value says which order it has; the other
    one is a transpose, made when somebody asks for it.

    Args:
        plain: the tensor in ONNX's axes (N, C, ...).
        last: the tensor with its second axis moved to the end; of rank 3 or more.
        constant: its values where they are known now; of ONNX's axes.
    """

    def __init__(self, plain: Any = None, last: Any = None, constant: NDArray[Any] | None = None) -> None:
        self._given, self._last, self.constant = plain, last, constant

    @cached_property
    def plain(self) -> Any:
        """The tensor in ONNX's axes."""
        if self._given is not None:
            return self._given
        if self.constant is not None:
            return tf.constant(self.constant)
        rank = len(self._last.shape)
        return tf.transpose(self._last, [0, rank - 1, *range(1, rank - 1)])

    @cached_property
    def last(self) -> Any:
        """The tensor with channels last."""
        if self._last is not None:
            return self._last
        if self.constant is not None:
            return tf.constant(np.moveaxis(self.constant, 1, -1))
        return tf.transpose(self.plain, [0, *range(2, self.rank), 1])

    @property
    def is_last(self) -> bool:
        """Whether the tensor was made with channels last."""
        return self._last is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """In ONNX's axes."""
        if self.constant is not None:
            return tuple(self.constant.shape)
        if self._given is not None:
            return tuple(self._given.shape)
        batch, *rest = self._last.shape
        return (batch, rest[-1], *rest[:-1])

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """TensorFlow's type of the elements."""
        if self.constant is not None:
            return tf.as_dtype(self.constant.dtype)
        return (self._last if self._given is None else self._given).dtype

    def map(self, function: Callable[[Any], Any]) -> "Value":
        """`function`, which works element by element, of the tensor in the order that it has."""
        return Value(last=function(self.last)) if self.is_last else Value(function(self.plain))

    def along(self, axes: Sequence[int], function: Callable[[Any, list[int]], Any]) -> "Value":
        """`function` of the tensor and some of its axes (counted as ONNX counts); the result has the same axes."""
        positive = [axis % self.rank for axis in axes]
        if self.is_last:
            return Value(last=function(self.last, [self.last_axis(axis) for axis in positive]))
        return Value(function(self.plain, positive))

    def last_axis(self, axis: int) -> int:
        """Where an axis of ONNX's is when channels are last."""
        return axis if axis == 0 else (self.rank - 1 if axis == 1 else axis - 1)


@dataclass(frozen=True)
class Node:
    """An ONNX node: its operator, attributes and name (which holds the path of the PyTorch layer)."""

    kind: str
    name: str
    attributes: dict[str, Any]
    outputs: tuple[str, ...]
    opset: int

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute; text as str."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def fail(self, why: str) -> "UntranslatableError":
        """The error that says that this form is not known."""
        return UntranslatableError(self, why)


def read_node(node: Any, opset: int) -> Node:
    """The frozen form of an ONNX ``NodeProto``."""
    attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    return Node(node.op_type, node.name, attributes, tuple(node.output), opset)


class UntranslatableError(Exception):
    """An operator, or a form of one, that this translation does not know."""

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(f"{node.kind} ({node.name}): {why}")
        self.node, self.why = node, why


Translation = Callable[..., Any]
OPERATORS: dict[str, Translation] = {}
"""Operator -> function of its node and its inputs (None where one is left out) that gives a Value or several."""


def operator(*kinds: str) -> Callable[[Translation], Translation]:
    """Enter a function into `OPERATORS`."""

    def enter(function: Translation) -> Translation:
        OPERATORS.update(dict.fromkeys(kinds, function))
        return function

    return enter


def constant(node: Node, value: Value | None, what: str) -> NDArray[Any]:
    """The values of an operand that must be known before the model runs."""
    if value is None or value.constant is None:
        raise node.fail(f"its {what} depends on the input")
    return value.constant


def integers(node: Node, value: Value | None, what: str) -> list[int]:
    """The same, as a list of whole numbers."""
    return [int(item) for item in constant(node, value, what).reshape(-1)]
