"""What `inspect` tells of an ONNX file, against models written by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from exporter.data.errors import UsageProblem
from exporter.data.facts.inspection import Inspection
from exporter.formats.onnx.inspection.reader import inspect_onnx

KERNEL = np.arange(54, dtype=np.float32).reshape(2, 3, 3, 3)
BIAS = np.ones(2, np.float32)


def inspected(path: Path, nodes: list[Any], constants: dict[str, Any], *, rank: int = 4, **options: Any) -> Inspection:
    """A model from ``x`` (N, 3, 8, 8) to ``y`` of any shape of this rank."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="by hand")
    model.ir_version = 8
    onnx.save(model, str(path), **options)
    return inspect_onnx(path)


def test_inputs_operators_and_weights_have_their_names_and_types(tmp_path: Path) -> None:
    """A dimension with a name is flexible; a node without a name is called after its output."""
    nodes = [
        helper.make_node("Conv", ["x", "kernel", "bias"], ["c"], name="stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    facts = inspected(tmp_path / "m.onnx", nodes, {"kernel": KERNEL, "bias": BIAS})
    assert [(one.name, one.dtype, one.shape) for one in facts.inputs] == [("x", "float32", (-1, 3, 8, 8))]
    assert [(one.name, one.type, one.dtype) for one in facts.ops] == [
        ("stem", "Conv", "float32"),
        ("y", "Relu", "float32"),
    ]
    kernel, bias = facts.weights
    assert (kernel.name, kernel.layer, kernel.kind, kernel.shape) == ("kernel", "stem", "weight", (2, 3, 3, 3))
    assert (kernel.parameters, kernel.size_bytes, kernel.nonzeros, kernel.distinct) == (54, 216, 53, 54)
    assert (bias.kind, bias.nonzeros, bias.distinct) == ("bias", 2, 1)
    assert facts.metadata == {"opset": "17", "producer": "by hand"}


def test_a_quantized_weight_weighs_what_is_stored(tmp_path: Path) -> None:
    """Scale and zero point are the weight's, not constants of their own; zero is where the zero point says."""
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["kernel"], axis=0),
        helper.make_node("Conv", ["x", "kernel"], ["y"]),
    ]
    stored = np.full((2, 3, 3, 3), 5, np.int8)
    stored[1] = 7
    constants = {"q": stored, "scale": np.ones(2, np.float32), "zero": np.array([5, 0], np.int8)}
    (weight,) = inspected(tmp_path / "m.onnx", nodes, constants).weights
    assert (weight.name, weight.kind, weight.dtype) == ("q", "weight", "int8")
    assert weight.quantization == "linear per_channel"
    assert weight.size_bytes == 54 + 8 + 2
    assert weight.nonzeros == 27


def test_weights_inside_a_branch_are_found(tmp_path: Path) -> None:
    def branch(value: float) -> Any:
        constant = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.full(4, value, "f"), ""))
        node = helper.make_node("Identity", ["k"], ["out"])
        return helper.make_graph([constant, node], "b", [], [helper.make_tensor_value_info("out", 1, [4])])

    nodes = [helper.make_node("If", ["go"], ["y"], then_branch=branch(1.0), else_branch=branch(0.0))]
    facts = inspected(tmp_path / "m.onnx", nodes, {"go": np.array(True)}, rank=1)
    assert sorted(one.nonzeros or 0 for one in facts.weights if one.shape == (4,)) == [0, 4]


def test_weights_beside_the_file_count(tmp_path: Path) -> None:
    """Protects the size of models above 2 GB, which lie in several files."""
    nodes = [helper.make_node("Conv", ["x", "kernel"], ["y"])]
    options: dict[str, Any] = {"save_as_external_data": True, "location": "m.data", "size_threshold": 0}
    facts = inspected(tmp_path / "m.onnx", nodes, {"kernel": KERNEL}, **options)
    assert facts.size_bytes == sum((tmp_path / name).stat().st_size for name in ("m.onnx", "m.data"))
    assert facts.weights[0].size_bytes == KERNEL.nbytes


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
def test_another_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(UsageProblem, match=r"m\.onnx is not a readable ONNX file") as caught:
        inspect_onnx(tmp_path / "m.onnx")
    assert "\n" not in str(caught.value)
