"""GELU, which PyTorch's exporter writes as five operators around Erf, or ten around Tanh, and TFLite has as one."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from onnx import helper, numpy_helper

from exporter.data.errors import ToolError
from exporter.formats.tflite.conversion.file import operator_code, pack, parse, text

HALF, ONE, ROOT = 0.5, 1.0, 2.0**0.5
CUBIC, TANH_SCALE = 0.044715, (2 / np.pi) ** 0.5
"""Of the form by tanh (Hendrycks and Gimpel, 2016): tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for the error function."""
_TANH = b"tanh"


def fuse_gelus(nodes: list[Any], constants: dict[str, np.ndarray[Any, Any]]) -> list[Any]:
    """The nodes of a graph, in order, where ``x / 2 * (1 + erf(x / sqrt(2)))`` in any order, or by tanh, is one Gelu.

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
        x, form = matcher.gelu_input(node)
        gelu = helper.make_node("Gelu", [x], list(node.output), name=node.name, approximate=form) if form else node
        fused.append(gelu)
    return fused


def with_gelus(model: Any) -> Any:
    """An ONNX model with GELU as one node, whatever its opset; the given one where it has none."""
    nodes = _fused(model)
    if not any(node.op_type == "Gelu" for node in nodes):
        return model
    fused = copy.deepcopy(model)
    del fused.graph.node[:]
    fused.graph.node.extend(nodes)
    return fused


def with_forms(content: bytes, onnx_model: Any) -> bytes:
    """A float32 file whose GELUs are by tanh where they were; onnx2tf's direct builder writes all of them by erf.

    Args:
        onnx_model: what the file was made from, before `with_gelus`.

    Raises:
        ToolError: both forms are there, and the builder gave another name to what one of them writes.
    """
    gelus = (node for node in _fused(onnx_model) if node.op_type == "Gelu")
    forms = {node.output[0]: helper.get_node_attr_value(node, "approximate") for node in gelus}
    if _TANH not in forms.values():
        return content
    model = parse(content)
    for graph in model.subgraphs:
        for operator in graph.operators:
            if operator_code(model, operator) == schema.BuiltinOperator.GELU:
                operator.builtinOptionsType = schema.BuiltinOptions.GeluOptions
                operator.builtinOptions = schema.GeluOptionsT()
                operator.builtinOptions.approximate = _is_by_tanh(text(graph.tensors[operator.outputs[0]].name), forms)
    return pack(model)


def _is_by_tanh(name: str, forms: Mapping[str, bytes]) -> bool:
    if name in forms:
        return forms[name] == _TANH
    if set(forms.values()) == {_TANH}:
        return True
    raise ToolError(
        f"onnx2tf's direct builder wrote a GELU by {name}, and nothing tells whether it was by erf or by tanh"
    )


def _fused(model: Any) -> list[Any]:
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    return fuse_gelus(list(model.graph.node), constants)


class _Matcher:
    def __init__(self, producers: dict[str, Any], constants: dict[str, np.ndarray[Any, Any]]) -> None:
        self.producers, self.constants = producers, constants

    def gelu_input(self, node: Any) -> tuple[str, str]:
        """Name of x where `node` ends a GELU of x, and its form, ``none`` or ``tanh``; else two empty names."""
        if node.op_type == "Mul":
            factors, number = self._factors(node)
            if np.isclose(number, HALF, rtol=1e-5) and len(factors) == 2:
                for x, other in (factors, factors[::-1]):
                    inner, form = self._one_plus(other)
                    if inner == x:
                        return x, form
        return "", ""

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
                if factor == 1.0 and len(more) > 1 and not any(self._one_plus(item)[0] for item in more):
                    names.append(name)
                else:
                    names, number = names + more, number * factor
            else:
                names.append(name)
        return names, number

    def _one_plus(self, name: str) -> tuple[str | None, str]:
        """The x where `name` is 1 + erf(x / sqrt(2)), or by tanh; and the form."""
        add = self.producers.get(name)
        if add is None or add.op_type != "Add":
            return None, ""
        rest = [item for item in add.input if self._number(item) != ONE]
        function = self.producers.get(rest[0]) if len(rest) == 1 else None
        inner = self.producers.get(function.input[0]) if function is not None else None
        if inner is None or function is None:
            return None, ""
        if function.op_type == "Erf":
            return self._divided_by_root(inner), "none"
        return (self._cubic_of(inner), "tanh") if function.op_type == "Tanh" else (None, "")

    def _cubic_of(self, node: Any) -> str | None:
        """The x where `node` is sqrt(2 / pi) (x + 0.044715 x^3)."""
        if node.op_type != "Mul":
            return None
        names = [name for name in node.input if not _near(self._number(name), TANH_SCALE)]
        add = self.producers.get(names[0]) if len(names) == 1 else None
        if add is None or add.op_type != "Add":
            return None
        for x, cube in (add.input, list(add.input)[::-1]):
            powers, number = self._powers(cube)
            if powers == [x] * 3 and _near(number, CUBIC):
                return str(x)
        return None

    def _powers(self, name: str, depth: int = 4) -> tuple[list[str], float]:
        """A product taken apart as far as it goes: names, and one number."""
        if (value := self._number(name)) is not None:
            return [], value
        node = self.producers.get(name)
        if node is None or not depth:
            return [name], 1.0
        if node.op_type == "Pow" and _near(self._number(node.input[1]), 3.0):
            return [node.input[0]] * 3, 1.0
        if node.op_type != "Mul":
            return [name], 1.0
        (one, factor), (other, more) = (self._powers(item, depth - 1) for item in node.input)
        return one + other, factor * more

    def _divided_by_root(self, inner: Any) -> str | None:
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
