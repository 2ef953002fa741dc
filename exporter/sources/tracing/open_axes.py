"""Dimensions that a graph leaves open, as exporters want them told."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from exporter.data.facts.source import InputSpec

Axes = dict[str, dict[int, str]]


def open_axes(inputs: Sequence[InputSpec]) -> Axes:
    """Input -> open dimension -> its name, which dimensions that change together share."""
    names: dict[tuple[int, tuple[int, ...]], str] = {}
    found: Axes = {}
    for spec in inputs:
        if spec.flexible is not None:
            keys = {axis: (place, spec.flexible.lengths[axis]) for place, axis in enumerate(spec.flexible.axes)}
            found[spec.name] = {axis: names.setdefault(key, f"{spec.name}_{axis}") for axis, key in keys.items()}
    return found


def dynamic_shapes(module: torch.nn.Module, inputs: Sequence[InputSpec]) -> Any:
    """What `torch.export` wants to be told of open dimensions; None where there are none.

    Args:
        module: takes tensors.
        inputs: as `module` takes them.
    """
    axes = open_axes(inputs)
    if not axes:
        return None
    shapes = tuple(dict.fromkeys(axes.get(spec.name, ()), torch.export.Dim.DYNAMIC) for spec in inputs)
    parameters = inspect.signature(module.forward).parameters.values()
    packed = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    return (shapes,) if packed else shapes
