"""A function of an ML program, compiled to steps of torch calls, and their evaluation."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from exporter.formats.coreml.reference.dtypes import Dtype, declared, to_tensor
from exporter.formats.coreml.reference.errors import EvaluationError, UnsupportedOpError
from exporter.formats.coreml.reference.family import Bools, Implementation, Ints, Tensor
from exporter.formats.coreml.reference.registry import OPERATIONS, REFUSED, STRUCTURAL

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
_Coerce = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Output:
    slot: int
    name: str
    dtype: Dtype | None
    round_to: torch.dtype | None


@dataclass(slots=True)
class _Step:
    call: Callable[..., Any]
    dynamic: tuple[tuple[str, Any, _Coerce], ...]
    outputs: tuple[_Output, ...]
    op_type: str
    location: str
    frees: tuple[int, ...] = ()


@dataclass
class _Block:
    steps: list[_Step] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list["int | _Constant"] = field(default_factory=list)


@dataclass(frozen=True)
class _Constant:
    value: Any


def _to_int(value: Any) -> int:
    return int(value)


def _to_list(value: Any) -> list[Any]:
    items = value.tolist() if hasattr(value, "tolist") else list(value)
    return items if isinstance(items, list) else [items]


_COERCE: dict[type, _Coerce] = {
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


class Plan:
    """The steps of one function.

    Args:
        function: a loaded MIL function.
        name: its name, for messages.
        precision: ``declared`` rounds floats to the dtype that the program declares, ``float32`` does not.
        changes: constants to replace, by operation name and input.
        like: a plan of the same function, whose constants this one shares.
    """

    def __init__(
        self,
        function: Any,
        name: str,
        precision: Precision,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
        like: "Plan | None" = None,
    ) -> None:
        self._rounds = precision == "declared"
        self._changes = changes or {}
        self._slots: dict[Any, int] = {}
        self._constants: dict[Any, Any] = {} if like is None else like._constants
        self._tensors: dict[Any, torch.Tensor] = {} if like is None else like._tensors
        self.inputs = {key: self._slot(var) for key, var in function.inputs.items()}
        self._main = self._block(function, name)
        self.output_names = [var.name for var in function.outputs]
        self._free_early()

    def run(self, inputs: dict[str, Any], observer: Observer | None = None) -> dict[str, Any]:
        """Values of the function's outputs by name."""
        values: list[Any] = [None] * len(self._slots)
        for name, slot in self.inputs.items():
            values[slot] = inputs[name]
        with torch.inference_mode():
            self._run(self._main, values, observer)
            results = [_resolve(source, values) for source in self._main.outputs]
        return dict(zip(self.output_names, results, strict=True))

    def weights(self) -> dict[str, torch.Tensor]:
        """The constant ``weight`` of every top-level step that has one, by the name of its first output."""
        found = {}
        for step in self._main.steps:
            constants = step.call.keywords if isinstance(step.call, functools.partial) else {}
            if isinstance(constants.get("weight"), torch.Tensor):
                found[step.outputs[0].name] = constants["weight"]
        return found

    def _run(self, block: _Block, values: list[Any], observer: Observer | None) -> None:
        for step in block.steps:
            result = _call(step, values, observer)
            produced = result if isinstance(result, tuple) else (result,)
            for output, value in zip(step.outputs, produced, strict=False):
                values[output.slot] = value = _stored(value, output)
                if observer is not None and isinstance(value, torch.Tensor):
                    observer(Observation(output.name, step.op_type, step.location, value))
            for slot in step.frees:
                values[slot] = None

    def _block(self, block: Any, place: str) -> _Block:
        compiled = _Block()
        for index, op in enumerate(block.operations):
            step = self._step(op, f"{place}[{index}]")
            if step is not None:
                compiled.steps.append(step)
        compiled.outputs = [self._source(var) for var in block.outputs]
        return compiled

    def _nested(self, block: Any, place: str) -> _Block:
        inputs = [self._slot(var) for var in block.inputs]
        compiled = self._block(block, place)
        compiled.inputs = inputs
        return compiled

    def _step(self, op: Any, place: str) -> _Step | None:
        location = f"{place} {op.op_type} {op.name!r}"
        if op.op_type == "const":
            self._constants[op.outputs[0]] = op.outputs[0].val if op.val is None else op.val.val
            return None
        if op.op_type in STRUCTURAL:
            return self._structural(op, place, location)
        implementation = OPERATIONS.get(op.op_type)
        if implementation is None:
            reason = REFUSED.get(op.op_type, "this version does not know it; it may be newer than iOS 18")
            raise UnsupportedOpError(f"{location} cannot be evaluated: {reason}")
        step = self._bind(op, implementation, location)
        if not step.dynamic and implementation.pure:
            self._fold(op, step)
            return None
        return step

    def _fold(self, op: Any, step: _Step) -> None:
        """Evaluate a step of constants now."""
        block = _Block(steps=[step])
        values: list[Any] = [None] * len(self._slots)
        with torch.inference_mode():
            self._run(block, values, None)
        for var, output in zip(op.outputs, step.outputs, strict=True):
            self._constants[var] = values[output.slot]

    def _bind(self, op: Any, implementation: Implementation, location: str) -> _Step:
        constants: dict[str, Any] = {}
        dynamic: list[tuple[str, Any, _Coerce]] = []
        for name, source in op.inputs.items():
            if source is None or name.startswith("_"):
                continue
            kind = implementation.parameters.get(name)
            if kind is None:
                raise UnsupportedOpError(f"{location} has an input {name!r} that this version does not know")
            sources = self._source(source)
            if _is_constant(sources):
                constants[name] = self._constant(source, sources, kind)
            else:
                dynamic.append((name, sources, _COERCE[kind]))
        constants.update(self._changes.get(op.name, {}))
        dynamic = [one for one in dynamic if one[0] not in constants]
        call = functools.partial(implementation.function, **constants)
        return _Step(call, tuple(dynamic), self._outputs(op, implementation.exact), op.op_type, location)

    def _constant(self, var: Any, source: Any, kind: type) -> Any:
        """A constant as its parameter wants it; weights are converted once for all plans of a function."""
        if kind is not Tensor or isinstance(var, (list, tuple)):
            return _constant_as(_resolve(source, []), kind)
        if var not in self._tensors:
            self._tensors[var] = _constant_as(_resolve(source, []), kind)
        return self._tensors[var]

    def _outputs(self, op: Any, exact: bool) -> tuple[_Output, ...]:
        outputs = []
        for var in op.outputs:
            dtype = declared(var)
            rounds = dtype.rounds_to if dtype is not None and self._rounds and not exact else None
            outputs.append(_Output(self._slot(var), var.name, dtype, rounds))
        return tuple(outputs)

    def _structural(self, op: Any, place: str, location: str) -> _Step:
        blocks = [self._nested(block, f"{place}.{index}") for index, block in enumerate(op.blocks)]
        if op.op_type == "cond":
            dynamic = (("pred", self._source(op.pred), bool),)
            return _Step(functools.partial(self._cond, blocks), dynamic, self._outputs(op, True), "cond", location)
        sources = tuple(self._source(var) for var in op.loop_vars)
        return _Step(functools.partial(self._while, blocks), (("loop_vars", sources, None),), self._outputs(op, True),
                     "while_loop", location)  # fmt: skip

    def _cond(
        self, blocks: list[_Block], values: list[Any], observer: Observer | None, *, pred: bool
    ) -> tuple[Any, ...]:
        block = blocks[0 if pred else 1]
        self._run(block, values, observer)
        return tuple(_resolve(source, values) for source in block.outputs)

    def _while(
        self, blocks: list[_Block], values: list[Any], observer: Observer | None, *, loop_vars: Any
    ) -> tuple[Any, ...]:
        condition, body = blocks
        state = [to_tensor(value) if isinstance(value, (np.generic, np.ndarray)) else value for value in loop_vars]
        while True:
            for slot, value in zip(condition.inputs, state, strict=True):
                values[slot] = value
            self._run(condition, values, observer)
            if not bool(_resolve(condition.outputs[0], values)):
                return tuple(state)
            for slot, value in zip(body.inputs, state, strict=True):
                values[slot] = value
            self._run(body, values, observer)
            state = [_as_value(_resolve(source, values)) for source in body.outputs]

    def _slot(self, var: Any) -> int:
        return self._slots.setdefault(var, len(self._slots))

    def _source(self, var: Any) -> Any:
        """A slot, a constant, or a tuple of them."""
        if isinstance(var, (list, tuple)):
            return tuple(self._source(one) for one in var)
        if var in self._constants:
            return _Constant(self._constants[var])
        return self._slot(var)

    def _free_early(self) -> None:
        """Let each value go after its last use by a top-level step."""
        last: dict[int, _Step] = {}
        for step in self._main.steps:
            used = [slot for _, source, _ in step.dynamic for slot in _slots_of(source)]
            nested = step.call.args[0] if step.op_type in STRUCTURAL else ()  # type: ignore[attr-defined]
            used += [slot for block in nested for slot in _slots_in(block)]
            for slot in used:
                last[slot] = step
            for output in step.outputs:
                last.setdefault(output.slot, step)
        kept = {slot for source in self._main.outputs for slot in _slots_of(source)}
        for slot, step in last.items():
            if slot not in kept:
                step.frees += (slot,)


def _call(step: _Step, values: list[Any], observer: Observer | None) -> Any:
    """The result of one step; what goes wrong in it becomes an error with its place."""
    arguments: dict[str, Any] = {}
    try:
        for name, source, coerce in step.dynamic:
            value = values[source] if type(source) is int else _resolve(source, values)
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


def _slots_in(block: _Block) -> Iterable[int]:
    for step in block.steps:
        for _, source, _ in step.dynamic:
            yield from _slots_of(source)
        for nested in step.call.args[0] if step.op_type in STRUCTURAL else ():  # type: ignore[attr-defined]
            yield from _slots_in(nested)
    for source in block.outputs:
        yield from _slots_of(source)


def _slots_of(source: Any) -> Iterable[int]:
    if isinstance(source, tuple):
        for one in source:
            yield from _slots_of(one)
    elif isinstance(source, int):
        yield source


def _is_constant(source: Any) -> bool:
    return all(map(_is_constant, source)) if isinstance(source, tuple) else isinstance(source, _Constant)


def _resolve(source: Any, values: list[Any]) -> Any:
    if isinstance(source, tuple):
        return [_as_value(_resolve(one, values)) for one in source]
    return source.value if isinstance(source, _Constant) else values[source]


def _as_value(value: Any) -> Any:
    return to_tensor(value) if isinstance(value, (np.generic, np.ndarray, bool, int, float)) else value


def _constant_as(value: Any, kind: type) -> Any:
    if kind is Tensor:
        return value if isinstance(value, torch.Tensor) else to_tensor(value)
    if kind is object and hasattr(value, "ls"):
        return value.ls
    if kind in (Ints, Bools):
        return _to_list(value)
    coerce = _COERCE[kind]
    return value if coerce is None else coerce(value)


def _stored(value: Any, output: _Output) -> Any:
    if isinstance(value, torch.Tensor) and output.dtype is not None:
        if output.round_to is not None:
            return value.to(output.round_to).to(output.dtype.storage)
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
