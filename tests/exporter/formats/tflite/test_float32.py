"""onnx2tf's direct builder, ended at its float32 model, gives the file that it would have written."""

import tempfile
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from exporter.execution.heavy import load, quiet
from exporter.formats.tflite.conversion.builders.float32 import at_the_float32_model


def _model() -> Any:
    """A convolution with a bias and ReLU, a pool and a sum, for layouts to be moved through."""
    torch.manual_seed(0)
    weights = {"weight": torch.randn(4, 3, 3, 3).numpy(), "bias": torch.randn(4).numpy()}
    nodes = [
        helper.make_node("Conv", ["x", "weight", "bias"], ["c"], kernel_shape=[3, 3], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[1, 1], name="pool"),
        helper.make_node("Add", ["p", "p"], ["y"], name="add"),
    ]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])]
    made = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 5, 5])]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "net", given, made, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return onnx.shape_inference.infer_shapes(model)


def _convert(folder: str) -> None:
    with quiet():
        load("onnx2tf").convert(
            onnx_graph=_model(), output_folder_path=folder, not_use_onnxsim=True, non_verbose=True, verbosity="error"
        )


def test_it_is_the_file_that_the_builder_writes() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _convert(folder)
        written = next(Path(folder).glob("*_float32.tflite")).read_bytes()
    with tempfile.TemporaryDirectory() as folder, at_the_float32_model() as model:
        _convert(folder)
    assert model() == written


def test_the_builder_is_whole_again_afterwards() -> None:
    """Protects a route that takes the rest of the builder in the same process."""
    with tempfile.TemporaryDirectory() as folder, at_the_float32_model():
        _convert(folder)
    with tempfile.TemporaryDirectory() as folder:
        _convert(folder)
        assert list(Path(folder).glob("*_float16.tflite"))
