"""What phones cannot run is no model, however much a builder says that it succeeded."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.tflite.conversion.builders.direct import direct
from exporter.formats.tflite.conversion.file import pack, parse
from exporter.formats.tflite.conversion.usable import usable
from tests.exporter.formats.common.by_hand import source_of

SHAPES = {"x": (1, 4, 6, 5)}


@pytest.fixture(scope="module")
def onnx_model() -> Any:
    torch.manual_seed(0)
    source = source_of(nn.Sequential(nn.Conv2d(4, 3, 3), nn.Sequential(nn.Softmax(1))), SHAPES)
    return SourceGraph(source, None, 1).onnx_forms["trace"]()


@pytest.fixture(scope="module")
def content(onnx_model: Any) -> bytes:
    return direct(onnx_model, [InputSpec(name=name, shape=shape) for name, shape in SHAPES.items()], "NHWC")


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    model = parse(content)
    change(model)
    return pack(model)


def custom(model: Any) -> None:
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.SOFTMAX:
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
            code.customCode = b"FlexSoftmax"


def emptied(model: Any) -> None:
    graph = model.subgraphs[0]
    convolution = next(op for op in graph.operators if len(op.inputs) == 3)
    model.buffers[graph.tensors[convolution.inputs[1]].buffer].data = np.zeros(0, np.uint8)


def test_a_file_of_builtin_operators_is_given_back(content: bytes, onnx_model: Any) -> None:
    assert usable(content, "here", onnx_model) is content


def test_a_custom_operator_is_refused_with_its_layer(content: bytes, onnx_model: Any) -> None:
    with pytest.raises(ToolError, match=r"here cannot convert operator FlexSoftmax in layer 1.0: TFLite has no such"):
        usable(changed(content, custom), "here", onnx_model)


def test_a_constant_without_data_is_refused(content: bytes, onnx_model: Any) -> None:
    with pytest.raises(ToolError, match=r"here cannot convert the model in layer 0: it left .* without data"):
        usable(changed(content, emptied), "here", onnx_model)
