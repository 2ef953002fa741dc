"""Compares a TFLite artifact with its PyTorch source, layer by layer, in LiteRT with every tensor kept.

LiteRT's own kernels compute here, since XNNPACK keeps no value between its operators. Which layer an operator does the
work of is told by the name of its weight or of the value that it writes, which files of this program carry, else by the
values of its weight; operators without a weight are found by order, kind, shape and numbers.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exporter.data.facts.layers import MODEL, Layers
from exporter.formats.common.layer_names import layer_weights, match_layers
from exporter.formats.common.layers.calls import record_calls
from exporter.formats.common.layers.compare import compare_calls
from exporter.formats.common.layers.observed import BY_NAME, BY_WEIGHTS, Observed, Vocabulary
from exporter.formats.common.preprocessing import SCOPE
from exporter.formats.format import Origin
from exporter.formats.tflite.operators import Operator, operators_of
from exporter.formats.tflite.runner import LiteRTRunner

_ACTIVATIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "RELU": partial(np.maximum, np.float32(0)),
    "RELU_N1_TO_1": partial(np.clip, a_min=-1, a_max=1),
    "RELU6": partial(np.clip, a_min=0, a_max=6),
    "TANH": np.tanh,
}
"""What operators can hold in themselves (TFLite schema, ``ActivationFunctionType``)."""
_POOLS = frozenset({"MEAN", "AVERAGE_POOL_2D", "SUM"})
_SUMS = frozenset({"ADD", "MUL", "SUB"})
VOCABULARY = Vocabulary(
    kinds={
        "Conv": frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "CONV_3D"}),
        "ConvTranspose": frozenset({"TRANSPOSE_CONV", "CONV_3D_TRANSPOSE"}),
        "BatchNorm": _SUMS,
        "LayerNorm": _SUMS,
        "GroupNorm": _SUMS,
        "InstanceNorm": _SUMS,
        "Linear": frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D", "ADD"}),
        "MaxPool": frozenset({"MAX_POOL_2D"}),
        "AvgPool": frozenset({"AVERAGE_POOL_2D"}),
        "AdaptiveAvgPool": _POOLS,
        "AdaptiveMaxPool": frozenset({"REDUCE_MAX", "MAX_POOL_2D"}),
        "Upsample": frozenset({"RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"}),
        "Embedding": frozenset({"GATHER", "EMBEDDING_LOOKUP"}),
        "LSTM": frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM"}),
        "Flatten": frozenset({"RESHAPE"}),
        "PixelShuffle": frozenset({"DEPTH_TO_SPACE", "TRANSPOSE", "RESHAPE"}),
    },
    activations=frozenset(
        {"RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "PRELU", "ELU", "GELU", "HARD_SWISH", "LOGISTIC", "TANH"}
        | {"SOFTMAX", "LOG_SOFTMAX", "MUL", "MINIMUM", "MAXIMUM"}
    ),
    containers=_SUMS | {"CONCATENATION", "RESHAPE", "TRANSPOSE", "SOFTMAX", "MEAN", "BATCH_MATMUL"},
)
_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST"})
_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D", "BATCH_MATMUL"})


def compare_with_module(path: Path, origin: Origin, module: Any, example: Sequence[NDArray[Any]]) -> Layers:
    """Every call of a module that is found in the artifact, on one example; the model itself is the last.

    Raises:
        UsageProblem: the artifact's inputs or outputs are not the source's.
        ToolError: it does not run in LiteRT's own kernels.
    """
    runner = LiteRTRunner(path, origin.description, output_shapes=origin.output_shapes, every_tensor=True)
    same = runner.held(example)
    outputs = runner(same)
    graph = _Graph(runner, operators_of(path), module)
    calls = record_calls(module, [torch.from_numpy(value) for value in same])
    values = [*graph.values(), *_of_model(runner, outputs)]
    return compare_calls(calls, values, VOCABULARY, graph.reads)


def _of_model(runner: LiteRTRunner, outputs: Sequence[NDArray[Any]]) -> Iterator[Observed]:
    for detail, value in zip(runner.outputs, outputs, strict=True):
        if value.dtype.kind == "f":
            yield Observed("", str(detail["name"]), "output", "output of the model", value, MODEL, BY_NAME)


class _Graph:
    """The operators of a file that has just been run, and what they gave."""

    def __init__(self, runner: LiteRTRunner, operators: Sequence[Operator], module: Any) -> None:
        self.operators = operators
        self._runner, self._module = runner, module
        self._names = [str(detail["name"]) for detail in runner.tensors]

    @property
    def reads(self) -> dict[str, list[str]]:
        """Tensor -> the tensors that it is made from."""
        return {str(to): [str(one) for one in op.inputs if one >= 0] for op in self.operators for to in op.outputs}

    def values(self) -> Iterator[Observed]:
        """What every operator gave that computes, in order of execution."""
        for place, operator in enumerate(self.operators):
            if operator.kind in _CONVERSIONS or self._names[operator.outputs[0]].startswith(SCOPE):
                continue
            for tensor in operator.outputs:
                value = self._runner.value(tensor)
                if value is not None and value.dtype.kind == "f":
                    yield self._observed(place, operator, tensor, value)

    def _observed(self, place: int, operator: Operator, tensor: int, value: NDArray[Any]) -> Observed:
        layer, known_by = self._layer(operator, tensor)
        return Observed(
            key=str(tensor),
            name=self._names[tensor],
            operation=operator.kind,
            location=f"operator {place}",
            value=value,
            layer=layer,
            known_by=known_by,
            rule_name=layer,
            activation=_ACTIVATIONS.get(operator.activation),
            may_clip=self._runner.is_quantized(tensor),
        )

    def _layer(self, operator: Operator, tensor: int) -> tuple[str, str]:
        """The layer whose weight an operator has, and how that is known; empty for none."""
        weight = _weight_of(operator)
        if weight is None:
            return "", ""
        for name in (self._names[weight].removesuffix(".weight"), self._names[tensor]):
            if name in self._modules:
                return name, BY_NAME
        layer = self._by_weights.get(weight, "")
        return layer, BY_WEIGHTS if layer else ""

    @cached_property
    def _modules(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._module.named_modules() if name)

    @cached_property
    def _by_weights(self) -> dict[int, str]:
        """Tensor -> the layer that has these weights, apart from a factor of each channel."""
        own = {layer: _rows(weight) for layer, weight in layer_weights(self._module).items()}
        found: dict[str, list[int]] = defaultdict(list)
        rows: dict[str, NDArray[Any]] = {}
        for operator in self.operators:
            weight = _weight_of(operator)
            value = None if weight is None else self._runner.value(weight)
            if weight is not None and value is not None and value.dtype.kind == "f":
                content = hashlib.sha256(value.tobytes()).hexdigest()
                found[content].append(weight)
                rows[content] = _rows(_channels_first(value, operator))
        matched = match_layers(own, rows)
        return {weight: layer for content, layer in matched.items() for weight in found[content]}


def _weight_of(operator: Operator) -> int | None:
    """The tensor that holds an operator's weight; None for operators that have none."""
    return operator.inputs[1] if operator.kind in _WEIGHTED and len(operator.inputs) > 1 else None


def _channels_first(values: NDArray[Any], operator: Operator) -> NDArray[Any]:
    """TFLite's weight layouts (OHWI, 1HWO, DHWIO, IO) to torch's (OIHW, O1HW, OIDHW, OI)."""
    if operator.kind == "DEPTHWISE_CONV_2D":
        return values.transpose(3, 0, 1, 2)
    if operator.kind in ("CONV_2D", "TRANSPOSE_CONV"):
        return values.transpose(0, 3, 1, 2)
    if operator.kind == "CONV_3D":
        return values.transpose(4, 3, 0, 1, 2)
    if operator.kind == "BATCH_MATMUL" and not operator.transposes and values.ndim > 1:
        return values.swapaxes(-1, -2).reshape(-1, values.shape[-2])
    return values


def _rows(weight: NDArray[Any]) -> NDArray[Any]:
    """One row an output channel: a one-dimensional convolution is a two-dimensional one to TFLite."""
    return weight.reshape(len(weight), -1)
