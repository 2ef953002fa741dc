"""A function of an ML program, compiled to steps of torch calls, which are run one after another."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from exporter.formats.coreml.reference.dtypes import declared, to_tensor
from exporter.formats.coreml.reference.errors import UnsupportedOpError
from exporter.formats.coreml.reference.family import Implementation, Tensor
from exporter.formats.coreml.reference.registry import OPERATIONS, REFUSED, STRUCTURAL
from exporter.formats.coreml.reference.steps import (
    COERCE,
    Block,
    Coerce,
    Constant,
    Observation,
    Observer,
    Output,
    Precision,
    Step,
    as_value,
    call,
    constant_as,
    is_constant,
    resolve,
    slots_in,
    slots_of,
    stored,
)

_PASSES_ON = Implementation(lambda: None, {}, exact=True)
"""What a structural operation does with the values of its blocks."""


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
            results = [resolve(source, values) for source in self._main.outputs]
        return dict(zip(self.output_names, results, strict=True))

    def weights(self) -> dict[str, torch.Tensor]:
        """The constant ``weight`` of every top-level step that has one, by the name of its first output."""
        found = {}
        for step in self._main.steps:
            constants = step.call.keywords if isinstance(step.call, functools.partial) else {}
            if isinstance(constants.get("weight"), torch.Tensor):
                found[step.outputs[0].name] = constants["weight"]
        return found

    def _run(self, block: Block, values: list[Any], observer: Observer | None) -> None:
        for step in block.steps:
            result = call(step, values, observer)
            produced = result if isinstance(result, tuple) else (result,)
            for output, value in zip(step.outputs, produced, strict=False):
                values[output.slot] = value = stored(value, output)
                if observer is not None and isinstance(value, torch.Tensor):
                    observer(Observation(output.name, step.op_type, step.location, value))
            for slot in step.frees:
                values[slot] = None

    def _block(self, block: Any, place: str) -> Block:
        compiled = Block()
        for index, op in enumerate(block.operations):
            step = self._step(op, f"{place}[{index}]")
            if step is not None:
                compiled.steps.append(step)
        compiled.outputs = [self._source(var) for var in block.outputs]
        return compiled

    def _nested(self, block: Any, place: str) -> Block:
        inputs = [self._slot(var) for var in block.inputs]
        compiled = self._block(block, place)
        compiled.inputs = inputs
        return compiled

    def _step(self, op: Any, place: str) -> Step | None:
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
            if not all(var in self._constants for var in op.outputs):  # another plan may have evaluated it
                self._fold(op, step)
            return None
        return step

    def _fold(self, op: Any, step: Step) -> None:
        """Evaluate a step of constants now."""
        block = Block(steps=[step])
        values: list[Any] = [None] * len(self._slots)
        with torch.inference_mode():
            self._run(block, values, None)
        for var, output in zip(op.outputs, step.outputs, strict=True):
            self._constants[var] = values[output.slot]

    def _bind(self, op: Any, implementation: Implementation, location: str) -> Step:
        constants: dict[str, Any] = {}
        dynamic: list[tuple[str, Any, Coerce]] = []
        for name, source in op.inputs.items():
            if source is None or name.startswith("_"):
                continue
            kind = implementation.parameters.get(name)
            if kind is None:
                raise UnsupportedOpError(f"{location} has an input {name!r} that this version does not know")
            sources = self._source(source)
            if is_constant(sources):
                constants[name] = self._constant(source, sources, kind)
            else:
                dynamic.append((name, sources, COERCE[kind]))
        constants.update(self._changes.get(op.name, {}))
        dynamic = [one for one in dynamic if one[0] not in constants]
        call = functools.partial(implementation.function, **constants)
        return Step(call, tuple(dynamic), self._outputs(op, implementation), op.op_type, location)

    def _constant(self, var: Any, source: Any, kind: type) -> Any:
        """A constant as its parameter wants it; weights are converted once for all plans of a function."""
        if kind is not Tensor or isinstance(var, (list, tuple)):
            return constant_as(resolve(source, []), kind)
        if var not in self._tensors:
            self._tensors[var] = constant_as(resolve(source, []), kind)
        return self._tensors[var]

    def _outputs(self, op: Any, implementation: Implementation) -> tuple[Output, ...]:
        outputs = []
        for var in op.outputs:
            dtype = declared(var)
            rounds = dtype.rounds_to if dtype is not None and self._rounds and not implementation.exact else None
            outputs.append(Output(self._slot(var), var.name, dtype, rounds, implementation.fresh))
        return tuple(outputs)

    def _structural(self, op: Any, place: str, location: str) -> Step:
        blocks = [self._nested(block, f"{place}.{index}") for index, block in enumerate(op.blocks)]
        if op.op_type == "cond":
            dynamic = (("pred", self._source(op.pred), bool),)
            return Step(functools.partial(self._cond, blocks), dynamic, self._outputs(op, _PASSES_ON), "cond", location)
        sources = tuple(self._source(var) for var in op.loop_vars)
        run, variables = functools.partial(self._while, blocks), (("loop_vars", sources, None),)
        return Step(run, variables, self._outputs(op, _PASSES_ON), "while_loop", location)

    def _cond(
        self, blocks: list[Block], values: list[Any], observer: Observer | None, *, pred: bool
    ) -> tuple[Any, ...]:
        block = blocks[0 if pred else 1]
        self._run(block, values, observer)
        return tuple(resolve(source, values) for source in block.outputs)

    def _while(
        self, blocks: list[Block], values: list[Any], observer: Observer | None, *, loop_vars: Any
    ) -> tuple[Any, ...]:
        condition, body = blocks
        state = [to_tensor(value) if isinstance(value, (np.generic, np.ndarray)) else value for value in loop_vars]
        while True:
            for slot, value in zip(condition.inputs, state, strict=True):
                values[slot] = value
            self._run(condition, values, observer)
            if not bool(resolve(condition.outputs[0], values)):
                return tuple(state)
            for slot, value in zip(body.inputs, state, strict=True):
                values[slot] = value
            self._run(body, values, observer)
            state = [as_value(resolve(source, values)) for source in body.outputs]

    def _slot(self, var: Any) -> int:
        return self._slots.setdefault(var, len(self._slots))

    def _source(self, var: Any) -> Any:
        """A slot, a constant, or a tuple of them."""
        if isinstance(var, (list, tuple)):
            return tuple(self._source(one) for one in var)
        if var in self._constants:
            return Constant(self._constants[var])
        return self._slot(var)

    def _free_early(self) -> None:
        """Let each value go after its last use by a top-level step."""
        last: dict[int, Step] = {}
        for step in self._main.steps:
            used = [slot for _, source, _ in step.dynamic for slot in slots_of(source)]
            nested = step.call.args[0] if step.op_type in STRUCTURAL else ()  # type: ignore[attr-defined]
            used += [slot for block in nested for slot in slots_in(block)]
            for slot in used:
                last[slot] = step
            for output in step.outputs:
                last.setdefault(output.slot, step)
        kept = {slot for source in self._main.outputs for slot in slots_of(source)}
        for slot, step in last.items():
            if slot not in kept:
                step.frees += (slot,)
