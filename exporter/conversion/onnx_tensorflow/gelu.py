"""GELU, which PyTorch's exporter writes as five operators around Erf and TFLite has as one."""

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

HALF, ONE, ROOT = 0.5, 1.0, 2.0**0.5


def fuse_gelus(nodes: list[Any], constants: dict[str, np.ndarray[Any, Any]]) -> list[Any]:
    """The nodes of a graph, in order, where ``x / 2 * (1 + erf(x / sqrt(2)))`` in any order is one node Gelu.

    Args:
        nodes: ONNX NodeProtos.
        constants: values of initializers by name.
    """
    producers = {name: node for node in nodes for name in node.output}
    constants = constants | {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t)
        for node in nodes
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    }
    matcher = _Matcher(producers, constants)
    fused = []
    for node in nodes:
        x = matcher.gelu_input(node)
        fused.append(node if x is None else helper.make_node("Gelu", [x], list(node.output), name=node.name))
    return fused


class _Matcher:
    def __init__(self, producers: dict[str, Any], constants: dict[str, np.ndarray[Any, Any]]) -> None:
        self.producers, self.constants = producers, constants

    def gelu_input(self, node: Any) -> str | None:
        """Name of x where `node` ends a GELU of x."""
        if node.op_type != "Mul":
            return None
        factors, number = self._factors(node)
        if not np.isclose(number, HALF, rtol=1e-5) or len(factors) != 2:
            return None
        for x, other in (factors, factors[::-1]):
            if self._one_plus_erf_of(other) == x:
                return x
        return None

    def _factors(self, node: Any, depth: int = 2) -> tuple[list[str], float]:
        """A product as names and one number; products inside it are taken apart."""
        names: list[str] = []
        number = 1.0
        for name in node.input:
            inner = self.producers.get(name)
            if (value := self._number(name)) is not None:
                number *= value
            elif inner is not None and inner.op_type == "Mul" and depth:
                more, factor = self._factors(inner, depth - 1)
                # Only products with a number are taken apart: a product of two tensors may itself be x.
                if factor == 1.0 and len(more) > 1 and not any(self._one_plus_erf_of(item) for item in more):
                    names.append(name)
                else:
                    names, number = names + more, number * factor
            else:
                names.append(name)
        return names, number

    def _one_plus_erf_of(self, name: str) -> str | None:
        """The x where `name` is 1 + erf(x / sqrt(2))."""
        add = self.producers.get(name)
        if add is None or add.op_type != "Add":
            return None
        rest = [item for item in add.input if self._number(item) != ONE]
        erf = self.producers.get(rest[0]) if len(rest) == 1 else None
        inner = self.producers.get(erf.input[0]) if erf is not None and erf.op_type == "Erf" else None
        if inner is None:
            return None
        if inner.op_type == "Div" and _near(self._number(inner.input[1]), ROOT):
            return str(inner.input[0])
        if inner.op_type == "Mul":
            for x, factor in (inner.input, list(inner.input)[::-1]):
                if _near(self._number(factor), 1 / ROOT):
                    return str(x)
        return None

    def _number(self, name: str) -> float | None:
        value = self.constants.get(name)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None


def _near(value: float | None, wanted: float) -> bool:
    return value is not None and bool(np.isclose(value, wanted, rtol=1e-5))
