"""Compares an ONNX artifact with its PyTorch source, layer by layer: nodes carry the names of their layers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from exporter.data.facts.layers import MODEL, Layers
from exporter.formats.common.layers.calls import record_calls
from exporter.formats.common.layers.compare import compare_calls
from exporter.formats.common.layers.observed import BY_NAME, Observed, Vocabulary
from exporter.formats.common.preprocessing import SCOPE
from exporter.formats.common.refusals import layer_path
from exporter.formats.format import Origin
from exporter.formats.onnx.conversion.floats import run
from exporter.formats.onnx.nodes import copy_of, layer_of
from exporter.formats.onnx.runner import OnnxRunner

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
_PRODUCTS = frozenset({"Gemm", "MatMul", "Add"})
_SUMS = frozenset({"Add", "Mul", "Sub"})
VOCABULARY = Vocabulary(
    kinds={
        "Conv": frozenset({"Conv"}),
        "ConvTranspose": frozenset({"ConvTranspose"}),
        "BatchNorm": frozenset({"BatchNormalization"}),
        "LayerNorm": frozenset({"LayerNormalization", "Add"}),
        "InstanceNorm": frozenset({"InstanceNormalization"}),
        "Linear": _PRODUCTS,
        "MaxPool": frozenset({"MaxPool"}),
        "AvgPool": frozenset({"AveragePool"}),
        "AdaptiveAvgPool": frozenset({"GlobalAveragePool", "AveragePool", "ReduceMean"}),
        "AdaptiveMaxPool": frozenset({"GlobalMaxPool", "MaxPool", "ReduceMax"}),
        "Upsample": frozenset({"Resize"}),
        "Embedding": frozenset({"Gather"}),
        "LSTM": frozenset({"LSTM"}),
        "GRU": frozenset({"GRU"}),
        "Flatten": frozenset({"Flatten", "Reshape"}),
    },
    activations=frozenset(
        {"Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "HardSwish", "HardSigmoid", "Sigmoid"}
        | {"Tanh", "Softmax", "LogSoftmax", "Softplus", "Softsign", "Mish", "Mul"}
    ),
    containers=_SUMS | {"Concat", "Reshape", "Transpose", "Softmax", "ReduceMean", "MatMul"},
)


def compare_with_module(path: Path, origin: Origin, module: Any, example: Sequence[NDArray[Any]]) -> Layers:
    """Every call of a module that is found in the artifact, on one example; the model itself is the last.

    A layer's output is the last float value that its nodes write, after its own quantization where there is one.
    """
    runner = OnnxRunner(path, origin)
    model = onnx.load(str(path))
    example = runner.held(example)
    given = runner.fitted(example)
    values = _run_with(model, [name for node in model.graph.node for name in node.output], given)
    calls = record_calls(module, [torch.from_numpy(value) for value in example])
    observed = [*_observed(model, values), *_of_model(runner, example)]
    reads = {name: list(node.input) for node in model.graph.node for name in node.output}
    return compare_calls(calls, observed, VOCABULARY, reads)


def _observed(model: Any, values: Mapping[str, NDArray[Any]]) -> Iterator[Observed]:
    for node in model.graph.node:
        if node.name.startswith(SCOPE):
            continue
        for name in node.output:
            layer = layer_path(node.name) or layer_path(name)
            if name in values:
                yield Observed(
                    key=name,
                    name=name,
                    operation=node.op_type,
                    location=f"node {node.name}",
                    value=values[name],
                    layer=layer,
                    known_by=BY_NAME if layer else "",
                    rule_name=layer or layer_of(node),
                )


def _of_model(runner: OnnxRunner, example: Sequence[NDArray[Any]]) -> Iterator[Observed]:
    for name, value in zip(runner.outputs, runner(example), strict=True):
        if value.dtype.kind == "f":
            yield Observed("", name, "output", "output of the model", value, MODEL, BY_NAME)


def _run_with(model: Any, names: Sequence[str], given: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The float values of these names; types that ONNX cannot infer are left out."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    known = {item.name: item for item in (*inferred.value_info, *inferred.output)}
    floats = [name for name in names if name in known and known[name].type.tensor_type.elem_type in _FLOATS]
    opened = copy_of(model)
    del opened.graph.output[:]
    opened.graph.output.extend(known[name] for name in floats)
    found = run(opened, given)
    return {name: np.asarray(value, np.float32) for name, value in zip(floats, found, strict=True)}
