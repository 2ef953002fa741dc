"""The operators of a TFLite file's main graph, in order of execution."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        kind: the schema's name of it, or a custom operator's own.
        inputs: indices of tensors; -1 for an operand that was left out.
        outputs: indices of tensors.
        activation: the schema's name of the activation that it holds in itself; empty for none.
        transposes: whether a matrix product takes its second operand transposed.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    activation: str
    transposes: bool


def operators_of(path: Path) -> list[Operator]:
    """The operators of the first graph; those of branches and loops lie in graphs of their own."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    return list(_operators(model))


def _operators(model: Any) -> Iterator[Operator]:
    for operator in model.subgraphs[0].operators:
        options = operator.builtinOptions
        activation = _names(schema.ActivationFunctionType)[getattr(options, "fusedActivationFunction", 0)]
        yield Operator(
            _kind(model.operatorCodes[operator.opcodeIndex]),
            tuple(map(int, [] if operator.inputs is None else operator.inputs)),
            tuple(map(int, [] if operator.outputs is None else operator.outputs)),
            "" if activation == "NONE" else activation,
            bool(getattr(options, "adjY", False)),
        )


def _kind(code: Any) -> str:
    number = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
    if code.customCode:
        return bytes(code.customCode).decode("utf-8", "replace")
    return _names(schema.BuiltinOperator).get(number, f"BUILTIN_{number}")


@cache
def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if name.isupper()}
