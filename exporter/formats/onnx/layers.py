"""Compares an ONNX artifact with its PyTorch source, layer by layer: nodes carry the names of their layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from exporter.data.facts.layers import LayerComparison
from exporter.formats.common.module_calls import Call, compared, record_calls
from exporter.formats.common.refusals import layer_path
from exporter.formats.format import Origin
from exporter.formats.onnx.conversion.floats import run
from exporter.formats.onnx.nodes import copy_of
from exporter.formats.onnx.runner import OnnxRunner

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)


def compare_with_module(
    path: Path, origin: Origin, module: Any, example: Sequence[NDArray[Any]]
) -> list[LayerComparison]:
    """Every layer that is found in both, in order of execution; the model itself is the last.

    A layer's output is the last float value that its nodes write, after its own quantization where there is one.
    """
    model = onnx.load(str(path))
    names = _last_values(model)
    values = _run_with(model, list(dict.fromkeys(names.values())), OnnxRunner(path, origin).fitted(example))
    calls = record_calls(module, [torch.from_numpy(value) for value in example])
    found = []
    for call in _each_once(_with_normalization(calls, set(names))):
        name = names.get(call.module)
        value = None if name is None else _alike(values[name], call.value)
        if name is not None and value is not None:
            found.append(compared(call, value, name, f"node of {call.module}"))
    return found


def _last_values(model: Any) -> dict[str, str]:
    """Layer -> the last float value that a node of it writes; ``(model)`` -> the first output."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    types = {item.name: item.type.tensor_type.elem_type for item in (*inferred.value_info, *inferred.output)}
    found = {}
    for node in model.graph.node:
        for name in node.output:
            layer = layer_path(node.name) or layer_path(name)
            if layer and types.get(name) in _FLOATS:
                found[layer] = name
    return found | {"(model)": model.graph.output[0].name}


def _run_with(model: Any, names: Sequence[str], given: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    inferred = onnx.shape_inference.infer_shapes(model).graph
    known = {item.name: item for item in (*inferred.value_info, *inferred.output)}
    opened = copy_of(model)
    del opened.graph.output[:]
    opened.graph.output.extend(known[name] for name in names)
    return dict(zip(names, run(opened, given), strict=True))


def _with_normalization(calls: Sequence[Call], known: set[str]) -> list[Call]:
    """Calls with the output of the batch normalization for a layer that took it in, so that it has no node."""
    kept: list[Call] = []
    for call in calls:
        before = kept[-1] if kept else None
        if call.kind.startswith("BatchNorm") and call.module not in known and before and before.module in known:
            kept[-1] = Call(before.module, f"{before.kind}, {call.kind}", before.container, call.value)
        else:
            kept.append(call)
    return kept


def _each_once(calls: Sequence[Call]) -> list[Call]:
    """The last call of each module: its nodes' last value is that call's."""
    return list({call.module: call for call in calls}.values())


def _alike(value: NDArray[Any], wanted: torch.Tensor) -> torch.Tensor | None:
    """The artifact's value in the module's shape, where only channels lie elsewhere; None where they do not fit."""
    for found in (value, np.moveaxis(value, 1, -1) if value.ndim > 2 else value):
        if found.shape == tuple(wanted.shape):
            return torch.from_numpy(np.ascontiguousarray(found)).float()
    return None
