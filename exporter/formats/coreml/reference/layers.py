"""Comparing an artifact with its PyTorch source, layer by layer.

A saved package no longer names the modules that made its operations: coremltools names them after the traced graph's
values. So modules are found again by order: both sides are run on the same example, every module call and every
operation's output is recorded, and the two sequences are aligned, in order, by kind (a Conv2d makes a conv) and
shape. A convolution that took in its batch normalization is compared with the normalization's output.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from exporter.data.facts.layers import LayerComparison
from exporter.formats.common.module_calls import Call, compared, record_calls, without_folded
from exporter.formats.coreml.reference.model import ReferenceModel
from exporter.formats.coreml.reference.steps import Observation

_RECTIFIERS = frozenset({"relu", "relu6", "clip", "elu", "leaky_relu", "prelu", "minimum"})
_SMOOTH = frozenset({"silu", "sigmoid", "sigmoid_hard", "tanh", "gelu", "softplus", "softsign", "softmax", "mul"})
_ACTIVATIONS = _RECTIFIERS | _SMOOTH
_KINDS: dict[str, frozenset[str]] = {
    "Conv": frozenset({"conv"}),
    "ConvTranspose": frozenset({"conv_transpose"}),
    "BatchNorm": frozenset({"batch_norm", "conv", "conv_transpose"}),
    "LayerNorm": frozenset({"layer_norm"}),
    "InstanceNorm": frozenset({"instance_norm"}),
    "Linear": frozenset({"linear", "matmul"}),
    "MaxPool": frozenset({"max_pool"}),
    "AvgPool": frozenset({"avg_pool"}),
    "AdaptiveAvgPool": frozenset({"reduce_mean", "avg_pool"}),
    "AdaptiveMaxPool": frozenset({"reduce_max", "max_pool"}),
    "Upsample": frozenset({"upsample_bilinear", "upsample_nearest_neighbor", "resize_bilinear", "resize"}),
    "Embedding": frozenset({"gather"}),
    "LSTM": frozenset({"lstm"}),
    "GRU": frozenset({"gru"}),
    "RNN": frozenset({"rnn"}),
    "Flatten": frozenset({"reshape"}),
}
_CONTAINER = frozenset({"add", "mul", "concat", "sub", "matmul", "reshape", "transpose", "softmax", "reduce_mean"})
_LIKE = 0.1  # relative error under which two values count as the same, to choose between candidates


def compare_layers(
    model: ReferenceModel, data: Mapping[str, Any], module: nn.Module, arguments: Sequence[Any]
) -> list[LayerComparison]:
    """Compare every layer that can be found on both sides, in order of execution.

    Args:
        model: the artifact.
        data: one example, as the artifact takes it.
        module: the source, in evaluation mode.
        arguments: the same example, as the source takes it.
    """
    observations: list[Observation] = []
    model.predict(data, model.make_state(), observations.append)
    values = [one for one in observations if one.op_type != "input" and one.value.is_floating_point()]
    calls = record_calls(module, arguments)
    if not any(value.op_type == "batch_norm" for value in values):
        calls = without_folded(calls)
    pairs = ((calls[i], values[j]) for i, j in _align(calls, values))
    return [compared(call, value.value, value.name, value.location) for call, value in pairs]


def _accepts(call: Call, op_type: str) -> bool:
    if call.container:
        return op_type in _CONTAINER
    for kind in sorted(_KINDS, key=len, reverse=True):
        if call.kind.startswith(kind):
            return op_type in _KINDS[kind]
    return op_type in _ACTIVATIONS


def _align(calls: list[Call], values: list[Observation]) -> list[tuple[int, int]]:
    """Pairs of places, ascending in both, of the greatest total score."""
    scores = np.zeros((len(calls), len(values)))
    for i, call in enumerate(calls):
        for j, value in enumerate(values):
            scores[i, j] = _score(call, value)
    best = np.zeros((len(calls) + 1, len(values) + 1))
    for i in range(len(calls) - 1, -1, -1):
        taken = scores[i] + best[i + 1, 1:]
        row = np.where(scores[i] > 0, np.maximum(taken, best[i + 1, :-1]), best[i + 1, :-1])
        best[i, :-1] = np.maximum.accumulate(row[::-1])[::-1]
    pairs, i, j = [], 0, 0
    while i < len(calls) and j < len(values):
        if scores[i, j] > 0 and math.isclose(best[i, j], scores[i, j] + best[i + 1, j + 1]):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1
    return pairs


def _score(call: Call, value: Observation) -> float:
    """How well an operation's output fits a module's: by kind and by numbers, either of which will do, and by shape."""
    if call.value.numel() != value.value.numel() or _squeezed(call.value) != _squeezed(value.value):
        return 0.0
    scale = call.value.abs().max()
    near = bool((call.value.reshape(-1) - value.value.reshape(-1)).abs().max() <= _LIKE * scale)
    if not _accepts(call, value.op_type):
        return 0.8 if near else 0.0
    return 1.5 if near else 1.0


def _squeezed(value: torch.Tensor) -> list[int]:
    return [length for length in value.shape if length != 1]
