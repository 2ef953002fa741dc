"""Fake quantization of activations: quantizers go in, gather ranges, and come out again as hints."""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import fx, nn
from torch.ao.quantization import FakeQuantize, HistogramObserver, MinMaxObserver, MovingAverageMinMaxObserver
from torch.ao.quantization._learnable_fake_quantize import _LearnableFakeQuantize

from exporter.compression.forms.folding import traced
from exporter.compression.forms.places import node_values, quantized_nodes
from exporter.compression.model import Examples
from exporter.data.errors import UsageProblem
from exporter.data.facts.hints import ActivationRange, probe_input, signature

LOWEST, HIGHEST = -128, 127
PREFIX = "activation_quantizer_"
OBSERVERS = {
    "min_max": MinMaxObserver,
    "moving_average": MovingAverageMinMaxObserver,
    "histogram": HistogramObserver,
}


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


def observe(module: nn.Module, batches: Iterable[Examples]) -> None:
    """Gather ranges from calibration batches, without rounding meanwhile, then fix them and start rounding."""
    set_state(module, observing=True, rounding=False)
    with torch.no_grad():
        for inputs in batches:
            module(*inputs)
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


def start_training(module: nn.Module, *, learned: bool) -> None:
    """Round in every step while ranges follow the extremes, or become parameters that gradients move."""
    set_state(module, observing=not learned, rounding=True)
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
        probe_seed: of `exporter.data.facts.hints.probe_input`.
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
        {node.name: value for node, value in node_values(own, probe).items()} for own in (module, _in_float16(module))
    ]
    return tuple(
        ActivationRange(
            name=name,
            minimum=low,
            maximum=high,
            elements=values[0][name][0].numel(),
            signatures=tuple(signature(own[name].numpy()) for own in values),
        )
        for name, (low, high) in ranges.items()
    )


def _in_float16(module: fx.GraphModule) -> fx.GraphModule:
    """A copy whose weights and constants are rounded to float16."""
    rounded = copy.deepcopy(module)
    for tensor in (*rounded.parameters(), *rounded.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.half().float()
    return rounded


def _quantizer(observer: str, learned: bool) -> nn.Module:
    options: dict[str, Any] = {
        "dtype": torch.qint8,
        "qscheme": torch.per_tensor_affine,
        "quant_min": LOWEST,
        "quant_max": HIGHEST,
        "observer": OBSERVERS[observer],
    }
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
