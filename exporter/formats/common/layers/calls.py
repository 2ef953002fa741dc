"""What the modules of a PyTorch source give on one example, to be compared with an artifact's values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from exporter.data.facts.layers import MODEL
from exporter.sources.outputs import flatten

_IDENTITIES = ("Dropout", "AlphaDropout", "FeatureAlphaDropout", "DropPath", "StochasticDepth", "Identity")
"""Beginnings of the names of classes that compute nothing in evaluation mode."""


@dataclass(frozen=True)
class Call:
    """One call of a module.

    Attributes:
        module: its dotted name; `MODEL` for what the whole model gave.
        kind: its class.
        container: whether it has modules of its own.
        number: which call of the module it is, from 1; which output, for the model.
        follows: whether it was given what the call before gave.
        value: what it gave.
    """

    module: str
    kind: str
    container: bool
    number: int
    follows: bool
    value: NDArray[Any]


def record_calls(module: nn.Module, arguments: Sequence[Any]) -> list[Call]:
    """Every call of a module that computes floats, in order, then every output of the model that holds floats.

    Left out is what computes nothing of its own: dropout, and containers that pass on what their last module gave.

    Args:
        module: in evaluation mode.
        arguments: as it takes them.
    """
    recorder = _Recorder()
    handles = [child.register_forward_hook(partial(recorder, name)) for name, child in module.named_modules() if name]
    try:
        with torch.no_grad():
            outputs = flatten(module(*arguments))
    finally:
        for handle in handles:
            handle.remove()
    return [*recorder.calls, *_of_model(_kind(module), outputs)]


def _of_model(kind: str, outputs: Sequence[torch.Tensor]) -> list[Call]:
    floats = [value for value in outputs if value.is_floating_point()]
    return [Call(MODEL, kind, True, place + 1, False, _array(value)) for place, value in enumerate(floats)]


class _Recorder:
    """A forward hook of every module."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._counts: Counter[str] = Counter()
        self._last: Any = None

    def __call__(self, name: str, layer: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        value = result[0] if isinstance(result, tuple | list) and result else result
        if isinstance(layer, nn.Sequential) or not isinstance(value, torch.Tensor) or not value.is_floating_point():
            return
        follows = bool(given) and given[0] is self._last
        if not _kind(layer).startswith(_IDENTITIES):
            self._add(name, layer, _array(value), follows=follows)
            self._last = value
        elif follows:
            self._last = value

    def _add(self, name: str, layer: nn.Module, value: NDArray[Any], *, follows: bool) -> None:
        container = any(True for _ in layer.children())
        if container and self.calls and np.array_equal(self.calls[-1].value, value, equal_nan=True):
            return
        self._counts[name] += 1
        self.calls.append(Call(name, _kind(layer), container, self._counts[name], follows, value))


def _kind(layer: nn.Module) -> str:
    return str(getattr(layer, "original_name", type(layer).__name__))  # a script module's own class


def _array(value: torch.Tensor) -> NDArray[Any]:
    """A copy: modules that work in place change what others gave."""
    return np.array(value.detach().float().cpu().numpy())
