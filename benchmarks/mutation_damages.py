"""Nineteen ways to damage the numbers of an artifact, for `verifier_mutations.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Constants:
    """The numbers of an artifact in order of execution, to be changed in place.

    Attributes:
        weights: of two axes or more, output channels along `outputs[i]` and input channels along `inputs[i]`.
        vectors: biases and scales.
        floats: those of the two that can hold NaN.
    """

    weights: list[Any]
    outputs: list[int]
    inputs: list[int]
    vectors: list[Any]

    @property
    def floats(self) -> list[Any]:
        """What can hold NaN."""
        return [value for value in (*self.weights, *self.vectors) if value.dtype.kind == "f"]


Damage = Callable[[Constants], bool]


def _flip(value: Any, axis: int) -> bool:
    value[:] = np.flip(value, axis).copy()
    return True


def _set(value: Any, new: Any) -> bool:
    if value.dtype.kind == "i":
        limits = np.iinfo(value.dtype)
        new = np.clip(np.rint(new), limits.min, limits.max)
    value[:] = np.asarray(new).astype(value.dtype)
    return True


def _channel(constants: Constants, which: int, channel: int) -> Any:
    return np.moveaxis(constants.weights[which], constants.outputs[which], 0)[channel : channel + 1]


def _swap(value: Any, axis: int, one: int = 0, other: int = 1) -> bool:
    moved = np.moveaxis(value, axis, 0)
    moved[[one, other]] = moved[[other, one]].copy()
    return True


def _spike(value: Any) -> bool:
    flat = value.reshape(-1)
    place = int(np.abs(flat.astype(np.float64)).argmin())
    flat[place] = np.iinfo(value.dtype).max if value.dtype.kind == "i" else 8 * np.abs(flat).max()
    return True


def _sign_of_largest(value: Any) -> bool:
    flat = value.reshape(-1)
    place = int(np.abs(flat.astype(np.float64)).argmax())
    flat[place] = (
        np.clip(-float(flat[place]), -127, None) if value.dtype == np.int8 else value.dtype.type(0) - flat[place]
    )
    return True


def _not_a_number(constants: Constants, bad: float, which: int) -> bool:
    if not constants.floats:
        return False
    constants.floats[which].reshape(-1)[0] = bad
    return True


def _shift_bias(constants: Constants) -> bool:
    bias = constants.vectors[-1]
    bias[0] = bias[0] + 4 * np.abs(bias).max() if bias.dtype.kind == "f" else bias[0] + 4 * int(np.abs(bias).max())
    return True


def _shuffled(value: Any) -> Any:
    return np.random.default_rng(0).permutation(value.reshape(-1)).reshape(value.shape)


DAMAGES: dict[str, Damage] = {
    "one weight far off": lambda c: _spike(c.weights[1]),
    "one weight of the last layer far off": lambda c: _spike(c.weights[-1]),
    "largest weight with another sign": lambda c: _sign_of_largest(c.weights[1]),
    "one bias shifted": _shift_bias,
    "biases permuted": lambda c: _set(c.vectors[0], np.roll(c.vectors[0], 1)),
    "biases zero": lambda c: all(_set(value, 0 * value) for value in c.vectors if value.size > 1),
    "two channels swapped": lambda c: _swap(c.weights[-1], c.outputs[-1]),
    "two channels of the first layer swapped": lambda c: _swap(c.weights[0], c.outputs[0]),
    "rows swapped": lambda c: _swap(c.weights[1], c.inputs[1] if c.weights[1].shape[c.inputs[1]] > 1 else c.outputs[1]),
    "a channel zero": lambda c: _set(_channel(c, -1, 0), 0 * _channel(c, -1, 0)),
    "an output zero": lambda c: _set(c.weights[-1], 0 * c.weights[-1]),
    "classes shifted by one": lambda c: _set(c.weights[-1], np.roll(c.weights[-1], 1, c.outputs[-1])),
    "scale doubled": lambda c: _set(c.weights[-1], 2.0 * c.weights[-1]),
    "scale halved": lambda c: _set(c.weights[1], 0.5 * c.weights[1]),
    "colour order": lambda c: _flip(c.weights[0], c.inputs[0]),
    "a layer negated": lambda c: _set(c.weights[1], -1.0 * c.weights[1]),
    "a layer shuffled": lambda c: _set(c.weights[1], _shuffled(c.weights[1])),
    "NaN in a weight": lambda c: _not_a_number(c, np.nan, 0),
    "infinity in the last layer": lambda c: _not_a_number(c, np.inf, -1),
}


def three_levels(constants: Constants) -> bool:
    """The last layer's weights rounded to three levels."""
    value = constants.weights[-1]
    most = np.abs(value.astype(np.float64)).max()
    return _set(value, np.round(value / most) * most)
