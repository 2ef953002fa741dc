"""Size and work of a model: parameters, multiply-accumulates, zeros, distinct values, bits a weight."""

import math

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from exporter.compression.forms.constraints import form_of
from exporter.compression.layers import weight_of, weighted_layers
from exporter.compression.model import Examples, evaluating
from exporter.data.facts.compression import LayerStats, ModelStats
from exporter.data.facts.hints import WeightForm

FLOAT_BITS = 32
TABLE_VALUE_BITS = 16
SCALE_BITS = 16


def model_stats(module: nn.Module, example_inputs: Examples) -> ModelStats:
    """Statistics of a model, constrained or plain; `macs` are of one example."""
    layers = []
    for name, layer in weighted_layers(module):
        parameter = f"{name}.weight" if name else "weight"
        layers.append(weight_stats(parameter, weight_of(layer).detach(), form_of(parameter, layer)))
    weights = sum(layer.parameters for layer in layers)
    return ModelStats(
        parameters=weights + _other_parameters(module), macs=macs(module, example_inputs), layers=tuple(layers)
    )


def macs(module: nn.Module, example_inputs: Examples) -> int:
    """Multiply-accumulates of convolutions and matrix products for one example."""
    counter = FlopCounterMode(display=False)
    with counter:
        evaluating(module, tuple(tensor[:1] for tensor in example_inputs))
    return int(counter.get_total_flops()) // 2


def weight_stats(name: str, weight: Tensor, form: WeightForm | None) -> LayerStats:
    """Statistics of one weight in the form that it will be stored in."""
    nonzeros = int(torch.count_nonzero(weight))
    return LayerStats(
        name=name,
        parameters=weight.numel(),
        nonzeros=nonzeros,
        distinct=int(torch.unique(weight).numel()),
        bits_per_weight=bits_per_weight(tuple(weight.shape), nonzeros, form),
    )


def bits_per_weight(shape: tuple[int, ...], nonzeros: int, form: WeightForm | None) -> float:
    """Bits that one element takes, with its share of the tables and scales.

    Zeros are left out where that is smaller: one bit an element says which ones are stored (Core ML's sparse form).
    """
    elements = math.prod(shape)
    if form is None or elements == 0:
        return float(FLOAT_BITS)
    value_bits = form.bits or FLOAT_BITS
    groups = 1 if form.group_size is None else math.ceil(shape[0] / form.group_size)
    overhead = 0
    if form.form == "table":
        overhead = groups * 2 ** (form.bits or 0) * TABLE_VALUE_BITS
    elif form.form == "linear":
        scales = groups if form.block_size is None else shape[0] * shape[1] // form.block_size
        overhead = scales * SCALE_BITS
    stored: float = elements * value_bits
    if form.sparse:
        stored = min(stored, elements + nonzeros * value_bits)
    return (stored + overhead) / elements


def _other_parameters(module: nn.Module) -> int:
    """Parameters that are no layer's weight; a constrained weight's own parameters stand behind the weight."""
    total = 0
    for name, parameter in module.named_parameters():
        owner, _, leaf = name.rpartition(".")
        inside = ".parametrizations." in f".{owner}."
        if not inside and not _is_layer_weight(module, owner, leaf):
            total += parameter.numel()
    return total


def _is_layer_weight(module: nn.Module, owner: str, leaf: str) -> bool:
    return leaf == "weight" and owner in {name for name, _ in weighted_layers(module)}
