"""Masks in a calibrated file: what stands for minus infinity must not decide a scale.

A mask adds -inf, -3.4e38 or -1e4 to attention's scores, or puts it in their place, and softmax gives nothing to what
lies far below the rest. On a grid of 256 steps from there to the scores, all scores are one step.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.quantization import edit

_OPS = schema.BuiltinOperator
_SUMS = (_OPS.ADD, _OPS.SUB)
_CHOICES = (_OPS.SELECT, _OPS.SELECT_V2)
_SHAPES = (
    _OPS.RESHAPE,
    _OPS.TRANSPOSE,
    _OPS.EXPAND_DIMS,
    _OPS.SQUEEZE,
    _OPS.BROADCAST_TO,
    _OPS.TILE,
    _OPS.SLICE,
    _OPS.STRIDED_SLICE,
)
_SOFTMAXES = (_OPS.SOFTMAX, _OPS.LOG_SOFTMAX)

_FAR, _FAR_IN_SOFTMAX = 1e30, 1e3
"""Beyond it lies what stands for infinity; exp(-1e3) is 0 in float32."""
_MARGIN = 8.0
"""How far below the least of the scores what is masked lies: exp(-8) is a twelfth of a step of an int8 softmax."""


class _Range(NamedTuple):
    low: float
    high: float

    def around(self, other: "_Range") -> "_Range":
        return _Range(min(self.low, other.low), max(self.high, other.high))

    def wider(self, by: float) -> "_Range":
        return _Range(self.low - by, self.high + by)


_NOTHING = _Range(0.0, 0.0)


def with_finite_masks(calibrated: bytes) -> bytes:
    """A calibrated file whose masks lie below what they mask by as much as tells, and no further.

    Constants of a mask and the extremes of what is made with them are replaced; the float file that was calibrated
    stays as it is.
    """
    model, changed = parse(calibrated), False
    for graph in model.subgraphs:
        masks = _Masks(model, graph)
        masks.look()
        changed |= masks.edit()
    return pack(model) if changed else calibrated


class _Masks:
    """Of one subgraph: first what bounds each tensor of a mask is to have, then the edit."""

    def __init__(self, model: Any, graph: Any) -> None:
        self.model, self.graph = model, graph
        self.makers = {int(place): operator for operator in graph.operators for place in operator.outputs}
        self.bounds: dict[int, _Range] = {}
        self.far = _FAR

    def look(self) -> None:
        """Every tensor that a mask reaches and that is read by something which passes no mask on."""
        for operator in self.graph.operators:
            kind = operator_code(self.model, operator)
            if kind in (*_SUMS, *_CHOICES, *_SHAPES, _OPS.MUL, _OPS.PADV2):
                continue
            self.far = _FAR_IN_SOFTMAX if kind in _SOFTMAXES else _FAR
            for place in map(int, operator.inputs):
                if place in self.makers and self._wild(place):
                    own = self._tame(place) or _NOTHING
                    self._bound(place, own.wider(_MARGIN), own.high - own.low + _MARGIN)

    def edit(self) -> bool:
        """Whether there was anything to edit."""
        made: dict[int, int] = {}
        for operator in self.graph.operators:
            if int(operator.outputs[0]) not in self.bounds:
                continue
            for at, place in enumerate(map(int, operator.inputs)):
                if place in self.bounds and edit.floats(self.model, self.graph.tensors[place]) is not None:
                    if place not in made:
                        made[place] = self._constant(place)
                    operator.inputs[at] = made[place]
        for place in self.bounds.keys() & self.makers.keys():
            own, bounds = self._measured(place) or _NOTHING, self.bounds[place]
            quantization = self.graph.tensors[place].quantization
            quantization.min, quantization.max = [max(own.low, bounds.low)], [min(own.high, bounds.high)]
        return bool(self.bounds)

    def _bound(self, place: int, bounds: _Range, reach: float) -> None:
        """Note the bounds of a tensor and of what it is made of.

        Args:
            reach: how far down a mask has to pull what it is added to.
        """
        self.bounds[place] = bounds.around(self.bounds.get(place, bounds))
        operator = self.makers.get(place)
        for operand in self._parts(operator) if operator is not None else ():
            if self._wild(operand):
                needed = reach / self._factor(operator, operand)
                self._bound(operand, self._bounds_of(operator, operand, bounds, needed), needed)

    def _factor(self, operator: Any, operand: int) -> float:
        """What a product makes of a masked value, at most 1: scores may be scaled after they are masked."""
        if operator_code(self.model, operator) != _OPS.MUL or operand not in self.makers:
            return 1.0
        others = [self._tame(part) for part in self._parts(operator) if part != operand]
        largest = max((max(abs(one.low), abs(one.high)) for one in others if one is not None), default=1.0)
        return min(largest, 1.0) or 1.0

    def _bounds_of(self, operator: Any, operand: int, bounds: _Range, reach: float) -> _Range:
        kind = operator_code(self.model, operator)
        if kind in _SHAPES:
            return bounds
        if kind in _CHOICES:
            return (self._tame(int(operator.outputs[0])) or _NOTHING).wider(reach)
        return (self._tame(operand) or _NOTHING).wider(reach)

    def _wild(self, place: int) -> bool:
        """Whether a mask decides the extremes of a tensor."""
        values = edit.floats(self.model, self.graph.tensors[place])
        if values is not None:
            return bool((np.abs(values) > self.far).any())
        operator, own = self.makers.get(place), self._measured(place)
        return (
            operator is not None
            and own is not None
            and max(-own.low, own.high) > self.far
            and any(self._wild(operand) for operand in self._parts(operator))
        )

    def _tame(self, place: int) -> _Range | None:
        """Extremes of a tensor where nothing is masked; None of what is nothing but a mask."""
        values = edit.floats(self.model, self.graph.tensors[place])
        if values is not None:
            near = values[np.abs(values) <= self.far]
            return _Range(float(near.min()), float(near.max())) if near.size else None
        if not self._wild(place):
            return self._measured(place)
        operator = self.makers[place]
        kind, found = operator_code(self.model, operator), [self._tame(part) for part in self._parts(operator)]
        if kind in _SUMS:
            first, second = (one or _NOTHING for one in found)
            if kind == _OPS.SUB:
                second = _Range(-second.high, -second.low)
            return _Range(first.low + second.low, first.high + second.high)
        if kind == _OPS.MUL:
            first, second = (one or _NOTHING for one in found)
            ends = [one * other for one in first for other in second]
            return _Range(min(ends), max(ends))
        known = [one for one in found if one is not None]
        return known[0].around(known[-1]) if known else None

    def _parts(self, operator: Any) -> Iterator[int]:
        """Operands that a mask can come through."""
        kind = operator_code(self.model, operator)
        count = slice(1, 3) if kind in _CHOICES else slice(1) if kind in _SHAPES else slice(2)
        if kind in (*_SUMS, *_CHOICES, *_SHAPES, _OPS.MUL):
            yield from map(int, operator.inputs[count])

    def _measured(self, place: int) -> _Range | None:
        quantization = self.graph.tensors[place].quantization
        if quantization is None or quantization.min is None or quantization.max is None:
            return None
        return _Range(float(quantization.min[0]), float(quantization.max[0]))

    def _constant(self, place: int) -> int:
        """A copy of a constant within its bounds."""
        values = np.asarray(edit.floats(self.model, self.graph.tensors[place]), np.float32).clip(*self.bounds[place])
        return edit.constant(self.model, self.graph, self.graph.tensors[place].name + b"_finite", values)
