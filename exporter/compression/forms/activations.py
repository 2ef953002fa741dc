"""Fake quantization of activations at the places where TFLite and Core ML quantize them.

The model is traced with `torch.fx`; a quantizer goes after the input and after every operation that has a range of its
own. An activation function is part of the operation before it, and what only moves values keeps its input's range.
"""

import copy
import operator
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.ao.quantization import FakeQuantize, HistogramObserver, MinMaxObserver, MovingAverageMinMaxObserver
from torch.ao.quantization._learnable_fake_quantize import _LearnableFakeQuantize
from torch.nn import functional

from exporter.compression.forms.folding import traced
from exporter.compression.layers import WEIGHTED
from exporter.compression.model import Examples
from exporter.data.errors import UsageProblem
from exporter.data.hints import ActivationRange, probe_input, signature

LOWEST, HIGHEST = -128, 127
PREFIX = "activation_quantizer_"
OBSERVERS = {
    "min_max": MinMaxObserver, "moving_average": MovingAverageMinMaxObserver, "histogram": HistogramObserver,
}  # fmt: skip

_FUSED_MODULES = (nn.ReLU, nn.ReLU6)
_FUSED_FUNCTIONS = (functional.relu, functional.relu6, torch.relu)
_FUSED_METHODS = ("relu", "relu_")
_FUSING_FUNCTIONS = (
    torch.add,
    operator.add,
    operator.iadd,
    torch.mul,
    operator.mul,
    functional.conv2d,
    functional.linear,
)
_MOVING_MODULES = (
    nn.Identity, nn.Dropout, nn.Dropout2d, nn.Flatten, nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool2d, nn.Unflatten,
    nn.ZeroPad2d, nn.ConstantPad2d, nn.PixelShuffle, nn.ChannelShuffle, nn.Upsample,
)  # fmt: skip
_MOVING_FUNCTIONS = (
    torch.flatten, torch.reshape, torch.transpose, torch.permute, torch.squeeze, torch.unsqueeze,
    torch.chunk, torch.split, functional.pad, functional.max_pool2d, functional.avg_pool2d, functional.dropout,
    functional.interpolate, operator.getitem,
)  # fmt: skip
_MOVING_METHODS = (
    "view", "reshape", "flatten", "permute", "transpose", "squeeze", "unsqueeze", "contiguous", "size",
    "chunk", "split",
)  # fmt: skip


def quantize_activations(module: nn.Module, example_inputs: Examples, *, observer: str, learned: bool) -> nn.Module:
    """A traced model with fake quantizers that observe; its layers are the given model's own.

    Raises:
        UsageProblem: the model cannot be traced.
    """
    graph_module = traced(module)
    if graph_module is None:
        raise UsageProblem(
            "static quantization must see every operation, and torch.fx cannot trace this model (its Python code "
            "branches on values). Quantize it when it is converted: set quantization in the target."
        )
    nodes = set(quantized_nodes(graph_module, example_inputs))
    for node in list(graph_module.graph.nodes):
        if node not in nodes:
            continue
        name = f"{PREFIX}{node.name}"
        graph_module.add_submodule(name, _quantizer(observer, learned))
        with graph_module.graph.inserting_after(node):
            quantized = graph_module.graph.call_module(name, (node,))
        node.replace_all_uses_with(quantized, delete_user_cb=lambda user, own=quantized: user is not own)
    graph_module.recompile()
    return graph_module.eval()


def quantized_nodes(graph_module: fx.GraphModule, example_inputs: Examples) -> list[fx.Node]:
    """Nodes whose floating-point result has a range of its own, in the order of computation."""
    modules = dict(graph_module.named_modules())
    values = _node_values(graph_module, example_inputs)
    found = []
    for node in graph_module.graph.nodes:
        value = values.get(node)
        if node.op in ("get_attr", "output") or not isinstance(value, Tensor) or not value.is_floating_point():
            continue
        if not _only_moves(node, modules) and not _continues(node, modules):
            found.append(node)
    return found


def observe(module: nn.Module, batches: Iterable[Tensor]) -> None:
    """Gather ranges from calibration batches, without rounding meanwhile, then fix them and start rounding."""
    set_state(module, observing=True, rounding=False)
    with torch.no_grad():
        for batch in batches:
            module(batch)
    set_state(module, observing=False, rounding=True)


def set_state(module: nn.Module, *, observing: bool, rounding: bool) -> None:
    """Switch observers and rounding of all activation quantizers."""
    for quantizer in quantizers(module).values():
        if isinstance(quantizer, _LearnableFakeQuantize):
            quantizer.toggle_observer_update(observing)
            quantizer.toggle_fake_quant(rounding)
        else:
            quantizer.enable_observer(observing)
            quantizer.enable_fake_quant(rounding)


def learn_ranges(module: nn.Module) -> None:
    """Turn observed ranges into parameters that gradients move."""
    for quantizer in quantizers(module).values():
        if isinstance(quantizer, _LearnableFakeQuantize):
            quantizer.enable_param_learning()


def quantizers(module: nn.Module) -> dict[str, Any]:
    """Activation quantizers by the name of the node that they follow."""
    return {name.removeprefix(PREFIX): child for name, child in module.named_children() if name.startswith(PREFIX)}


def remove_quantizers(module: nn.Module, example_inputs: Examples, probe_seed: int) -> tuple[ActivationRange, ...]:
    """Take the quantizers out of a traced model, in place, and say which ranges they had.

    Args:
        module: its weights are final.
        example_inputs: give the probe input's shape.
        probe_seed: of `exporter.data.hints.probe_input`.
    """
    found = quantizers(module)
    if not isinstance(module, fx.GraphModule) or not found:
        return ()
    ranges = {name: _range(quantizer) for name, quantizer in found.items()}
    for node in list(module.graph.nodes):
        if node.op == "call_module" and str(node.target).startswith(PREFIX):
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
            module.delete_submodule(str(node.target))
    module.recompile()
    probe = tuple(torch.from_numpy(probe_input(tensor.shape, probe_seed)) for tensor in example_inputs)
    values = [
        {node.name: value for node, value in _node_values(own, probe).items()} for own in (module, _in_float16(module))
    ]
    return tuple(
        ActivationRange(
            name=name, minimum=low, maximum=high, elements=values[0][name][0].numel(),
            signatures=tuple(signature(own[name].numpy()) for own in values),
        )
        for name, (low, high) in ranges.items()
    )  # fmt: skip


def _in_float16(module: fx.GraphModule) -> fx.GraphModule:
    """A copy whose weights and constants are rounded to float16."""
    rounded = copy.deepcopy(module)
    for tensor in (*rounded.parameters(), *rounded.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.half().float()
    return rounded


def _quantizer(observer: str, learned: bool) -> nn.Module:
    options: dict[str, Any] = {
        "dtype": torch.qint8, "qscheme": torch.per_tensor_affine, "quant_min": LOWEST, "quant_max": HIGHEST,
        "observer": OBSERVERS[observer],
    }  # fmt: skip
    if learned:
        options["use_grad_scaling"] = True
    kind: Any = _LearnableFakeQuantize if learned else FakeQuantize
    made: nn.Module = kind(**options)
    return made


def _range(quantizer: Any) -> tuple[float, float]:
    """Values of the lowest and the highest step."""
    if isinstance(quantizer, _LearnableFakeQuantize):
        learned: Any = quantizer
        scale = max(float(learned.scale.detach()), float(learned.eps))
        zero_point = round(float(learned.zero_point.detach().clamp(LOWEST, HIGHEST)))
    else:
        scale, zero_point = float(quantizer.scale), int(quantizer.zero_point)
    return (LOWEST - zero_point) * scale, (HIGHEST - zero_point) * scale


def _node_values(graph_module: fx.GraphModule, example_inputs: Examples) -> dict[fx.Node, Any]:
    values: dict[fx.Node, Any] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            values[n] = super().run_node(n)
            return values[n].clone() if isinstance(values[n], Tensor) else values[n]  # an in-place function comes next

    with torch.no_grad():
        Recorder(graph_module.eval()).run(*example_inputs)
    return values


def _only_moves(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], _MOVING_MODULES)
    if node.op == "call_function":
        return node.target in _MOVING_FUNCTIONS
    return node.op == "call_method" and node.target in _MOVING_METHODS


def _continues(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Whether the only user is an activation function that is fused into this operation."""
    if node.op == "call_module":
        fusing = isinstance(modules[str(node.target)], (*WEIGHTED, nn.BatchNorm2d))
    else:
        fusing = node.op == "call_function" and node.target in _FUSING_FUNCTIONS
    users = list(node.users)
    return fusing and len(users) == 1 and _is_fused(users[0], modules)


def _is_fused(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        module = modules[str(node.target)]
        return isinstance(module, _FUSED_MODULES) or (
            isinstance(module, nn.Hardtanh) and (module.min_val, module.max_val) in ((0, 6), (-1, 1))
        )
    if node.op == "call_function":
        return node.target in _FUSED_FUNCTIONS
    return node.op == "call_method" and node.target in _FUSED_METHODS
