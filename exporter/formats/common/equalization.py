"""Cross-layer equalization: adjacent layers rescaled so that the channels of their weights have like ranges.

Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction". A positive factor taken
from a channel of one layer and given to the next changes nothing that the float model computes, but spares a low-bit
table or a per-tensor scale the few channels that are far wider than the rest. Here it is exact also through ReLU6:
its limit becomes one a channel. Batch normalization stands between: its gain and shift take the factor, so it also
works before folding.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import fx, nn

from exporter.data.errors import ToolError
from exporter.sources.tracing.forwards import UNTRACEABLE, as_called

_ROUNDS = 40
_CONVERGED = 1e-3
_LARGEST_FACTOR = 2.0**7  # keeps rescaled activations well inside float16
_TOLERANCE = 1e-4
_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_LINEAR_ACTIVATIONS = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.ReLU)


class ChannelReLU(nn.Module):
    """``min(max(x, 0), limit)`` with a limit a channel: what ReLU6 becomes when its channels are rescaled.

    Args:
        limit: ``[channels]``; channels are axis 1.
        positions: number of axes behind the channels; kept, so that `torch.fx` can trace this once more.
    """

    limit: torch.Tensor

    def __init__(self, limit: torch.Tensor, positions: int) -> None:
        super().__init__()
        self.register_buffer("limit", limit)
        self.positions = positions

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same shape as `x`."""
        return torch.minimum(torch.relu(x), self.limit.reshape(1, -1, *[1] * self.positions))


_LINEAR_FUNCTIONS = (torch.relu, nn.functional.relu)


class NotTraceableError(ToolError):
    """`torch.fx` cannot trace the module, so its layers cannot be followed; nothing was changed."""


@dataclass
class _Pair:
    """A layer, what normalizes it, the activations in between that have a limit, and the layer that reads it.

    Attributes:
        scaled: by what the channels between the layers were divided so far.
    """

    first: nn.Module
    norm: nn.Module | None
    limits: list[ChannelReLU]
    second: nn.Module
    scaled: torch.Tensor


def equalize(module: nn.Module, example_inputs: Iterable[torch.Tensor]) -> nn.Module:
    """A copy of `module` with equalized weights, as a `torch.fx.GraphModule` with the same layer names.

    Args:
        module: in evaluation mode. It must be traceable by `torch.fx`; nothing is changed in it.
        example_inputs: one call's inputs, on which the outputs are compared.

    Returns:
        A module that computes the same, to float32 rounding. Layers that are read by more than one other layer, or
        through anything but batch normalization, ReLU, ReLU6, dropout and identity, keep their weights.

    Raises:
        NotTraceableError: the module cannot be traced.
        ToolError: the outputs changed.
    """
    inputs = tuple(example_inputs)
    try:
        traced = fx.symbolic_trace(as_called(copy.deepcopy(module).eval()))
    except UNTRACEABLE as error:
        raise NotTraceableError(
            f"equalization needs a model that torch.fx can trace, and it cannot: {error}. "
            "Set equalize = false for this target"
        ) from error
    with torch.no_grad():
        before = _flat(module(*inputs))
        pairs = list(_pairs(traced))
        for _ in range(_ROUNDS):
            if max((_rescale(pair) for pair in pairs), default=0.0) < _CONVERGED:
                break
        after = _flat(traced(*inputs))
    for old, new in zip(before, after, strict=True):
        drift = float((new - old).abs().max() / old.abs().max().clamp(min=1e-12))
        if not drift <= _TOLERANCE:
            raise ToolError(
                f"equalization changed the model's outputs by {drift:.1e} of their range; set equalize = false"
            )
    return traced


def _flat(outputs: Any) -> list[torch.Tensor]:
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return [tensor for value in values for tensor in _flat(value)]


def _pairs(traced: fx.GraphModule) -> Iterator[_Pair]:
    modules = dict(traced.named_modules())
    calls: dict[str, int] = {}
    for node in traced.graph.nodes:
        if node.op == "call_module":
            calls[node.target] = calls.get(node.target, 0) + 1
    for node in list(traced.graph.nodes):
        if node.op == "call_module" and isinstance(modules[node.target], _LAYERS) and calls[node.target] == 1:
            pair = _follow(traced, node, modules, calls)
            if pair is not None:
                yield pair


def _follow(
    traced: fx.GraphModule, node: fx.Node, modules: dict[str, nn.Module], calls: dict[str, int]
) -> _Pair | None:
    """The pair that begins at `node`, its ReLU6 replaced; None when its output goes elsewhere."""
    first = modules[cast(str, node.target)]
    norm: nn.Module | None = None
    clipped: list[str] = []
    channels = _channels(first)
    at = node
    while len(at.users) == 1:
        at = next(iter(at.users))
        if at.op == "call_function" and at.target in _LINEAR_FUNCTIONS:
            continue
        if at.op != "call_module" or calls[cast(str, at.target)] != 1:
            return None
        module = modules[cast(str, at.target)]
        if isinstance(module, _LAYERS):
            if _readers(module) != channels or isinstance(module, nn.Linear) != isinstance(first, nn.Linear):
                return None
            positions = cast(torch.Tensor, first.weight).dim() - 2
            limits = [_limited(traced, name, modules, channels, positions) for name in clipped]
            return _Pair(first, norm, limits, module, torch.ones(channels))
        if isinstance(module, _NORMS) and norm is None and not clipped and module.affine:
            norm = module
        elif isinstance(module, (nn.ReLU6, ChannelReLU)):
            clipped.append(cast(str, at.target))
        elif not isinstance(module, _LINEAR_ACTIVATIONS):
            return None
    return None


def _limited(
    traced: fx.GraphModule, name: str, modules: dict[str, nn.Module], channels: int, positions: int
) -> ChannelReLU:
    if not isinstance(modules[name], ChannelReLU):
        modules[name] = ChannelReLU(torch.full((channels,), 6.0), positions)
        traced.set_submodule(name, modules[name])
    return cast(ChannelReLU, modules[name])


def _channels(layer: nn.Module) -> int:
    return int(cast(torch.Tensor, layer.weight).shape[0])


def _readers(layer: nn.Module) -> int:
    """Input channels of a layer."""
    return int(cast(torch.Tensor, layer.weight).shape[1]) * int(getattr(layer, "groups", 1))


def _by_input(layer: nn.Module) -> torch.Tensor:
    """A view of the weight as ``[groups, outputs a group, inputs a group, ...]``."""
    weight = cast(torch.Tensor, layer.weight)
    return weight.view(int(getattr(layer, "groups", 1)), -1, *weight.shape[1:])


def _rescale(pair: _Pair) -> float:
    """Rescale one pair in place; gives how far from one its largest factor was, in octaves."""
    weight = cast(torch.Tensor, pair.first.weight)
    gain = torch.ones(weight.shape[0])
    if pair.norm is not None:
        variance = cast(torch.Tensor, pair.norm.running_var)
        gain = cast(torch.Tensor, pair.norm.weight).abs() / torch.sqrt(variance + cast(float, pair.norm.eps))
    written = weight.flatten(1).abs().amax(1) * gain
    view = _by_input(pair.second)
    read = view.abs().amax(dim=(1, *range(3, view.dim()))).reshape(-1)
    factor = torch.sqrt(written / read)
    factor = torch.where((written > 0) & (read > 0), factor, torch.ones_like(factor))
    # A channel of weights of 1e-12, as training leaves them, is a constant: rescaled, it would be one of 1e5.
    whole = pair.scaled * factor
    factor = torch.where((whole > 1 / _LARGEST_FACTOR) & (whole < _LARGEST_FACTOR), factor, torch.ones_like(factor))
    pair.scaled.mul_(factor)
    target = pair.first if pair.norm is None else pair.norm
    for parameter in (target.weight, target.bias):
        if parameter is not None:
            tensor = cast(torch.Tensor, parameter)
            tensor.div_(factor.reshape(-1, *[1] * (tensor.dim() - 1)))
    view.mul_(factor.reshape(view.shape[0], 1, view.shape[2], *[1] * (view.dim() - 3)))
    for limit in pair.limits:
        limit.limit.div_(factor)
    return float(factor.log2().abs().max())
