"""Folds batch norms into the layers before them, so that later steps see the weights that are shipped."""

from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from exporter.compression.forms.constraints import bake, constrain, rescaled
from exporter.compression.layers import CONVOLUTIONS
from exporter.sources.tracing.forwards import UNTRACEABLE, as_called

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold_batch_norms(module: nn.Module) -> list[str]:
    """Fold in place every batch norm that directly follows a layer; each becomes ``nn.Identity``. Gives their names.

    Zeros and signs of constrained weights are kept. A model that `torch.fx` cannot trace keeps its batch norms: the
    converters fold them then.
    """
    folded = []
    for layer_name, norm_name in _pairs(module):
        layer, norm = module.get_submodule(layer_name), module.get_submodule(norm_name)
        _fold(layer, norm)
        module.set_submodule(norm_name, nn.Identity())
        folded.append(norm_name)
    return folded


def traced(module: nn.Module) -> fx.GraphModule | None:
    """The symbolic trace of a model without its ``nn.Identity`` calls; None when its Python code depends on values."""
    try:
        graph_module = fx.symbolic_trace(as_called(module))
    except UNTRACEABLE:
        return None
    for node in list(graph_module.graph.nodes):
        if node.op == "call_module" and isinstance(graph_module.get_submodule(str(node.target)), nn.Identity):
            node.replace_all_uses_with(node.args[0])
            graph_module.graph.erase_node(node)
    graph_module.recompile()
    return graph_module


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    """Names of a layer and the batch norm that is its output's only user; each module is called once."""
    graph_module = traced(module)
    if graph_module is None:
        return []
    calls = [node for node in graph_module.graph.nodes if node.op == "call_module"]
    times: dict[str, int] = {}
    for node in calls:
        times[str(node.target)] = times.get(str(node.target), 0) + 1
    found = []
    for node in calls:
        norm = module.get_submodule(str(node.target))
        source = node.args[0] if node.args else None
        if not isinstance(norm, NORMS) or not isinstance(source, fx.Node) or source.op != "call_module":
            continue
        layer = module.get_submodule(str(source.target))
        foldable = isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)) and norm.running_mean is not None
        once = times[str(node.target)] == 1 and times[str(source.target)] == 1
        if foldable and once and len(source.users) == 1:
            found.append((str(source.target), str(node.target)))
    return found


def _fold(layer: Any, norm: Any) -> None:
    constraints = rescaled(bake(layer))
    fuse = fuse_conv_bn_weights if isinstance(layer, CONVOLUTIONS) else fuse_linear_bn_weights
    with torch.no_grad():
        weight, bias = fuse(
            layer.weight, layer.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
    layer.weight, layer.bias = weight, bias
    for parameter in (layer.weight, layer.bias):
        parameter.requires_grad_(True)
    for constraint in constraints:
        constrain(layer, constraint)
