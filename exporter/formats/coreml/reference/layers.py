"""Comparing an artifact with its PyTorch source, layer by layer.

Packages of this program name the operations that have a weight after their layers; coremltools names all others after
the traced graph's values. Those are found by order, kind, shape and numbers.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from exporter.data.facts.layers import MODEL, Layers
from exporter.formats.common.layers.calls import record_calls
from exporter.formats.common.layers.compare import compare_calls
from exporter.formats.common.layers.observed import BY_NAME, Observed, Vocabulary
from exporter.formats.coreml.reference.model import ReferenceModel
from exporter.formats.coreml.reference.steps import Observation

_RECTIFIERS = frozenset({"relu", "relu6", "clip", "elu", "leaky_relu", "prelu", "minimum"})
_SMOOTH = frozenset({"silu", "sigmoid", "sigmoid_hard", "tanh", "gelu", "softplus", "softsign", "softmax", "mul"})
VOCABULARY = Vocabulary(
    kinds={
        "Conv": frozenset({"conv"}),
        "ConvTranspose": frozenset({"conv_transpose"}),
        "BatchNorm": frozenset({"batch_norm"}),
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
    },
    activations=_RECTIFIERS | _SMOOTH,
    containers=frozenset({"add", "mul", "concat", "sub", "matmul", "reshape", "transpose", "softmax", "reduce_mean"}),
)


def compare_layers(
    model: ReferenceModel,
    data: Mapping[str, Any],
    module: nn.Module,
    arguments: Sequence[Any],
    outputs: Mapping[str, NDArray[Any]] | None = None,
) -> Layers:
    """Every call of a module that is found in the artifact, in order of execution.

    Args:
        model: the artifact.
        data: one example, as the artifact takes it.
        module: the source, in evaluation mode.
        arguments: the same example, as the source takes it.
        outputs: what the artifact gives for it by the source's names, in the source's order; without them the model
            itself is looked for among the operations.
    """
    seen: list[Observation] = []
    model.predict(data, model.make_state(), seen.append)
    layers = {_identifier(name): name for name, _ in module.named_modules() if name}
    values = [_observed(one, layers) for one in seen if one.op_type != "input" and one.value.is_floating_point()]
    return compare_calls(record_calls(module, arguments), [*values, *_of_model(outputs or {})], VOCABULARY)


def _observed(one: Observation, layers: Mapping[str, str]) -> Observed:
    layer = layers.get(one.name, "")
    return Observed(
        key=one.name,
        name=one.name,
        operation=one.op_type,
        location=one.location,
        value=one.value.float().numpy(),
        layer=layer,
        known_by=BY_NAME if layer else "",
        rule_name=layer,
    )


def _of_model(outputs: Mapping[str, NDArray[Any]]) -> Iterator[Observed]:
    for name, value in outputs.items():
        if value.dtype.kind == "f":
            yield Observed("", name, "output", "output of the model", np.asarray(value, np.float32), MODEL, BY_NAME)


def _identifier(layer: str) -> str:
    """A layer's name as packages of this program have it (`exporter.formats.coreml.conversion.names`)."""
    name = re.sub(r"\W", "_", layer)
    return f"_{name}" if name[:1].isdigit() else name
