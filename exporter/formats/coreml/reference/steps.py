"""Steps of a compiled function: what they hold, and how one is evaluated."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from exporter.formats.coreml.reference.dtypes import Dtype, to_tensor
from exporter.formats.coreml.reference.errors import EvaluationError, UnsupportedOpError
from exporter.formats.coreml.reference.family import Bools, Ints, Tensor
from exporter.formats.coreml.reference.registry import STRUCTURAL

Precision = Literal["declared", "float32"]


@dataclass(frozen=True)
class Observation:
    """The value of one operation's output during an evaluation.

    Attributes:
        name: of the output, unique in the function.
        op_type: MIL's name of the operation.
        location: function, place in it, operation and name, for messages.
        value: the value; its floats are held in float32. Not to be changed.
    """

    name: str
    op_type: str
    location: str
    value: torch.Tensor


Observer = Callable[[Observation], None]
_FAILURES = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AssertionError, ArithmeticError)
Coerce = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Output:
    """Where an operation's output goes, and what its type says.

    Attributes:
        round_to: the dtype whose values it can have; None where it has them already, or is not rounded.
        fresh: nothing else shares its memory.
    """

    slot: int
    name: str
    dtype: Dtype | None
    round_to: torch.dtype | None
    fresh: bool


@dataclass(slots=True)
class Step:
    """One operation: a torch call, what it is given, and where its outputs go."""

    call: Callable[..., Any]
    dynamic: tuple[tuple[str, Any, Coerce], ...]
    outputs: tuple[Output, ...]
    op_type: str
    location: str
    frees: tuple[int, ...] = ()


@dataclass
class Block:
    """Steps in order, with the places of the block's inputs and outputs."""

    steps: list[Step] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list["int | Constant"] = field(default_factory=list)


@dataclass(frozen=True)
class Constant:
    """A value that is known before anything runs."""

    value: Any


def _to_int(value: Any) -> int:
    return int(value)


def _to_list(value: Any) -> list[Any]:
    items = value.tolist() if hasattr(value, "tolist") else list(value)
    return items if isinstance(items, list) else [items]


COERCE: dict[type, Coerce] = {
    Tensor: None,
    object: None,
    list: None,
    int: _to_int,
    float: float,
    bool: bool,
    str: str,
    Ints: _to_list,
    Bools: _to_list,
}


def call(step: Step, values: list[Any], observer: Observer | None) -> Any:
    """The result of one step; what goes wrong in it becomes an error with its place."""
    arguments: dict[str, Any] = {}
    try:
        for name, source, coerce in step.dynamic:
            value = values[source] if type(source) is int else resolve(source, values)
            arguments[name] = value if coerce is None else coerce(value)
        if step.op_type in STRUCTURAL:
            return step.call(values, observer, **arguments)
        return step.call(**arguments)
    except (EvaluationError, UnsupportedOpError):
        raise
    except _FAILURES as error:
        raise EvaluationError(
            f"{step.location} failed on {_summary(arguments)}: {error}. Check the inputs' shapes against the model's; "
            "if they are right, the program is not valid Core ML"
        ) from error


def slots_in(block: Block) -> Iterable[int]:
    """Every place that a block's steps read."""
    for step in block.steps:
        for _, source, _ in step.dynamic:
            yield from slots_of(source)
        for nested in step.call.args[0] if step.op_type in STRUCTURAL else ():  # type: ignore[attr-defined]
            yield from slots_in(nested)
    for source in block.outputs:
        yield from slots_of(source)


def slots_of(source: Any) -> Iterable[int]:
    """The places that a source names."""
    if isinstance(source, tuple):
        for one in source:
            yield from slots_of(one)
    elif isinstance(source, int):
        yield source


def is_constant(source: Any) -> bool:
    """Whether a source is known before anything runs."""
    return all(map(is_constant, source)) if isinstance(source, tuple) else isinstance(source, Constant)


def resolve(source: Any, values: list[Any]) -> Any:
    """The value of a source."""
    if isinstance(source, tuple):
        return [as_value(resolve(one, values)) for one in source]
    return source.value if isinstance(source, Constant) else values[source]


def as_value(value: Any) -> Any:
    """A number or array as a tensor; anything else as it is."""
    return to_tensor(value) if isinstance(value, (np.generic, np.ndarray, bool, int, float)) else value


def constant_as(value: Any, kind: type) -> Any:
    """A constant as an implementation of the operation takes it."""
    if kind is Tensor:
        return value if isinstance(value, torch.Tensor) else to_tensor(value)
    if kind is object and hasattr(value, "ls"):
        return value.ls
    if kind in (Ints, Bools):
        return _to_list(value)
    coerce = COERCE[kind]
    return value if coerce is None else coerce(value)


def stored(value: Any, output: Output) -> Any:
    """A value as the program declares its output: in its type, rounded to what that type holds."""
    if isinstance(value, torch.Tensor) and output.dtype is not None:
        if output.round_to is not None:
            rounded = value.to(output.round_to)
            # In place saves the memory of another value, which costs a CPU as much as the rounding itself.
            in_place = output.fresh and value.dtype == output.dtype.storage
            return value.copy_(rounded) if in_place else rounded.to(output.dtype.storage)
        if value.dtype != output.dtype.storage:
            return value.to(output.dtype.storage)
    return value


def _summary(arguments: dict[str, Any]) -> str:
    def one(value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        if isinstance(value, list):
            return "[" + ", ".join(map(one, value)) + "]"
        return repr(value)

    return ", ".join(f"{name} {one(value)}" for name, value in arguments.items()) or "its constants"
