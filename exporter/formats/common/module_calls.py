"""What the modules of a PyTorch source give on one example, to be compared with an artifact's values."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from exporter.data.facts.layers import LayerComparison, Statistics
from profilers.decibels import snr_db


@dataclass(frozen=True)
class Call:
    """One call of a module.

    Attributes:
        module: its dotted name.
        kind: its class.
        container: whether it has modules of its own.
        value: what it gave.
    """

    module: str
    kind: str
    container: bool
    value: torch.Tensor


def record_calls(module: nn.Module, arguments: Sequence[Any]) -> list[Call]:
    """Every call of a module that gives floats, in order; `arguments` as the module takes them."""
    calls: list[Call] = []
    handles = []
    for name, child in module.named_modules():
        if isinstance(child, nn.Sequential):  # computes nothing of its own
            continue
        container = any(True for _ in child.children())

        def hook(layer: nn.Module, _: Any, result: Any, name: str = name, container: bool = container) -> None:
            value = result[0] if isinstance(result, tuple) and result else result
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                calls.append(Call(name or "(model)", type(layer).__name__, container, value.detach().clone()))

        handles.append(child.register_forward_hook(hook))
    try:
        with torch.no_grad():
            module(*arguments)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def without_folded(calls: Sequence[Call]) -> list[Call]:
    """Without the layers that a batch normalization follows, for artifacts that take normalizations into them."""
    return [
        call
        for call, following in itertools.zip_longest(calls, calls[1:])
        if following is None
        or not following.kind.startswith("BatchNorm")
        or call.value.shape != following.value.shape
        or not call.kind.startswith(("Conv", "Linear"))
    ]


def _statistics(value: torch.Tensor) -> Statistics:
    finite = value[torch.isfinite(value)].double()
    if not finite.numel():
        return Statistics(tuple(value.shape), math.nan, math.nan, math.nan, math.nan, value.numel())
    return Statistics(
        tuple(value.shape),
        float(finite.min()),
        float(finite.max()),
        float(finite.mean()),
        float(finite.std(correction=0)),
        value.numel() - finite.numel(),
    )


def compared(call: Call, value: torch.Tensor, output: str, location: str) -> LayerComparison:
    """A module's output beside the value of the artifact that stands for it."""
    snr = snr_db(call.value.double().numpy(), value.double().numpy())
    return LayerComparison(call.module, call.kind, output, location, snr, _statistics(call.value), _statistics(value))
