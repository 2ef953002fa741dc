"""The first and last layers of a model, found by running it."""

from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.layers import weighted_layers
from exporter.compression.model import Examples


def output_layers(module: nn.Module, example_inputs: Examples) -> list[str]:
    """Layers whose output reaches the model's outputs through no other layer; their channels are the interface."""
    owners = {id(parameter): name for name, layer in weighted_layers(module) for parameter in layer.parameters()}
    requires = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    try:
        for parameter, _ in requires:
            parameter.requires_grad_(True)
        with torch.enable_grad():
            roots = [tensor.grad_fn for tensor in _tensors(module(*example_inputs))]
    finally:
        for parameter, before in requires:
            parameter.requires_grad_(before)
    found: list[str] = []
    seen: set[Any] = set()
    queue = [node for node in roots if node is not None]
    while queue:
        node = queue.pop()
        if node in seen:
            continue
        seen.add(node)
        layers = _owned(node, owners)
        found += [name for name in dict.fromkeys(layers) if name not in found]
        if not layers:
            queue += [inner for inner, _ in node.next_functions if inner is not None]
    return found


def first_layer(module: nn.Module, example_inputs: Examples) -> str | None:
    """The layer that runs first; None for a model without layers."""
    order: list[str] = []
    handles = [
        layer.register_forward_hook(lambda *_, name=name: order.append(name)) for name, layer in weighted_layers(module)
    ]
    try:
        with torch.no_grad():
            module(*example_inputs)
    finally:
        for handle in handles:
            handle.remove()
    return order[0] if order else None


def _owned(node: Any, owners: dict[int, str]) -> list[str]:
    """Layers whose weight enters `node` directly or transposed."""
    candidates = [candidate for inner, _ in node.next_functions for candidate in _untransposed(inner)]
    variables = [id(getattr(candidate, "variable", None)) for candidate in candidates]
    return [owners[variable] for variable in variables if variable in owners]


def _untransposed(node: Any) -> list[Any]:
    """The node itself, or what a transposition reads."""
    if type(node).__name__ not in ("TBackward0", "TransposeBackward0"):
        return [node]
    return [deeper for deeper, _ in node.next_functions]


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output
    return [tensor for value in values for tensor in _tensors(value)]
