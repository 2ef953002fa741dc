"""Writes nodes into an ONNX graph, behind those that it has."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Operand = str | NDArray[Any] | np.generic
"""Name of a value, or the values of a constant."""


def renamed(model: Any, names: Mapping[str, str]) -> Mapping[str, str]:
    """Call values of the main graph otherwise, in place; gives `names` again."""
    for node in model.graph.node:
        for values in (node.input, node.output):
            for place, name in enumerate(values):
                values[place] = names.get(name, name)
    for item in (*model.graph.initializer, *model.graph.input, *model.graph.output, *model.graph.value_info):
        item.name = names.get(item.name, item.name)
    return names


class NodeWriter:
    """Adds nodes and constants to a model, in place.

    Args:
        model: of `onnx`.
        scope: what the names of new values begin with.
    """

    def __init__(self, model: Any, scope: str) -> None:
        self._graph, self._scope = model.graph, scope
        self._names = 0

    def constant(self, values: NDArray[Any] | np.generic) -> str:
        """Name of a new constant."""
        name = self._name("constant")
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, *inputs: Operand, **attributes: Any) -> str:
        """Name of the only output of a new node; arrays become constants."""
        return self.nodes(kind, 1, *inputs, **attributes)[0]

    def nodes(self, kind: str, count: int, *inputs: Operand, **attributes: Any) -> list[str]:
        """Names of the first `count` outputs of a new node."""
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        outputs = [self._name(kind) for _ in range(count)]
        self._graph.node.append(helper.make_node(kind, given, outputs, name=outputs[0], **attributes))
        return outputs

    def results(self, values: Sequence[tuple[str, str, int, Sequence[int]]]) -> None:
        """Make these the outputs of the graph, and no others.

        Args:
            values: name of an output, of the value, its element type in ONNX and its shape.
        """
        del self._graph.output[:]
        for name, value, kind, shape in values:
            self._graph.node.append(helper.make_node("Identity", [value], [name], name=f"{self._scope}/{name}"))
            self._graph.output.append(helper.make_tensor_value_info(name, kind, list(shape)))

    def _name(self, what: str) -> str:
        self._names += 1
        return f"{self._scope}/{what}_{self._names}"
