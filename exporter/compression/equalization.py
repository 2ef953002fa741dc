"""Cross-layer equalization (Nagel et al. 2019): channels of adjacent layers are scaled to like ranges.

relu(s x) = s relu(x) for s > 0, so a channel's scale can move from one layer to the next without changing the model.
"""

from typing import NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from exporter.compression.folding import traced

ROUNDS = 40
TOLERANCE = 1e-4


class Pair(NamedTuple):
    """Two layers with nothing but a positively homogeneous function between them."""

    first: nn.Conv2d | nn.Linear
    second: nn.Conv2d | nn.Linear


def equalize(module: nn.Module) -> int:
    """Equalize in place all pairs of layers whose batch norms are folded; gives their number.

    ReLU6 becomes ReLU between equalized layers, as in the paper: its bound would have to differ by channel.
    """
    pairs = _pairs(module)
    for _ in range(ROUNDS):
        moved = max((_equalize(pair) for pair, _ in pairs), default=0.0)
        if moved < TOLERANCE:
            break
    for _, activation in pairs:
        if activation is not None and isinstance(module.get_submodule(activation), nn.ReLU6):
            module.set_submodule(activation, nn.ReLU())
    return len(pairs)


def _equalize(pair: Pair) -> float:
    """Scale the channels between two layers so that both see the geometric mean of their ranges."""
    first, second = pair
    with torch.no_grad():
        ours = first.weight.abs().flatten(1).amax(1)
        theirs = _input_rows(second).abs().flatten(1).amax(1)
        usable = (ours > 0) & (theirs > 0)
        scale = torch.where(usable, (ours / theirs.clamp_min(1e-12)).sqrt(), torch.ones_like(ours))
        first.weight.div_(scale.view(-1, *[1] * (first.weight.dim() - 1)))
        if first.bias is not None:
            first.bias.div_(scale)
        if isinstance(second, nn.Conv2d) and second.groups > 1:
            second.weight.mul_(scale.view(-1, 1, 1, 1))
        else:
            second.weight.mul_(scale.view(1, -1, *[1] * (second.weight.dim() - 2)))
    return float((scale.log()).abs().max())


def _input_rows(layer: nn.Conv2d | nn.Linear) -> Tensor:
    """The weight with its input channels first."""
    depthwise = isinstance(layer, nn.Conv2d) and layer.groups > 1
    return layer.weight if depthwise else layer.weight.transpose(0, 1)


def _pairs(module: nn.Module) -> list[tuple[Pair, str | None]]:
    graph_module = traced(module)
    if graph_module is None:
        return []
    modules = dict(module.named_modules())
    found = []
    for node in graph_module.graph.nodes:
        if _layer(node, modules) is None or len(node.users) != 1:
            continue
        follower = next(iter(node.users))
        activation = None
        if _homogeneous(follower, modules) and len(follower.users) == 1:
            activation = str(follower.target) if follower.op == "call_module" else None
            follower = next(iter(follower.users))
        first, second = _layer(node, modules), _layer(follower, modules)
        if first is not None and second is not None and _fit(first, second):
            found.append((Pair(first, second), activation))
    return found


def _layer(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Conv2d | nn.Linear | None:
    layer = modules.get(str(node.target)) if node.op == "call_module" else None
    return layer if isinstance(layer, nn.Conv2d | nn.Linear) and not hasattr(layer, "parametrizations") else None


def _homogeneous(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], nn.ReLU | nn.ReLU6 | nn.Identity | nn.LeakyReLU)
    return node.op == "call_function" and node.target in (functional.relu, torch.relu)


def _fit(first: nn.Conv2d | nn.Linear, second: nn.Conv2d | nn.Linear) -> bool:
    channels = first.weight.shape[0]
    if isinstance(second, nn.Conv2d) and second.groups > 1:
        return second.groups == second.in_channels == second.out_channels == channels
    return second.weight.shape[1] == channels and not (isinstance(second, nn.Conv2d) and second.groups > 1)
