"""What `inspect` tells of a Core ML package, against programs written by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import quiet
from exporter.formats.coreml.inspection.reader import LEAST_CONSTANT, inspect_coreml
from tests.exporter.formats.coreml.reference.programs import build, convert, coremltools

KERNEL = np.arange(1, 33, dtype=np.float32).reshape(2, 16)


def linear(mb: Any, x: Any) -> Any:
    return mb.relu(x=mb.linear(x=x, weight=KERNEL, bias=np.ones(2, np.float32), name="head"), name="scores")


def test_operations_and_weights_have_their_names_and_types(tmp_path: Path) -> None:
    """Constants are weights of the operation that reads them, and no operations."""
    facts = inspect_coreml(build(tmp_path / "m.mlpackage", linear, {"x": (1, 16)}))
    assert [(one.name, one.type, one.dtype) for one in facts.ops] == [
        ("head", "linear", "float32"),
        ("scores", "relu", "float32"),
    ]
    assert [(one.name, one.dtype, one.shape) for one in facts.inputs] == [("x", "float32", (1, 16))]
    weight, bias = facts.weights
    assert (weight.layer, weight.kind, weight.dtype, weight.shape) == ("head", "weight", "float32", (2, 16))
    assert (weight.size_bytes, weight.nonzeros, weight.distinct, weight.quantization) == (128, 32, 32, "none")
    assert (bias.kind, bias.parameters) == ("bias", 2)
    files = [file for file in (tmp_path / "m.mlpackage").rglob("*") if file.is_file()]
    assert facts.size_bytes == sum(file.stat().st_size for file in files)


@pytest.mark.parametrize(("count", "found"), [(LEAST_CONSTANT, 1), (LEAST_CONSTANT - 1, 0)])
def test_few_integers_are_parameters_and_many_a_constant(tmp_path: Path, count: int, found: int) -> None:
    """Axes and sizes are no weights; a table of indices is."""
    path = build(
        tmp_path / "m.mlpackage",
        lambda mb, x: mb.gather(x=x, indices=np.zeros(count, np.int32), axis=1, name="picked"),
        {"x": (1, 16)},
    )
    assert [one.layer for one in inspect_coreml(path).weights] == ["picked"] * found


def test_an_operation_between_dequantized_values_computes_in_int8(tmp_path: Path) -> None:
    def body(mb: Any, x: Any) -> Any:
        packed = mb.quantize(input=x, scale=np.float32(0.5), output_dtype="int8")
        return mb.add(x=mb.dequantize(input=packed, scale=np.float32(0.5)), y=np.float32(1), name="sum")

    facts = inspect_coreml(build(tmp_path / "m.mlpackage", body, {"x": (1, 16)}))
    assert {one.name: one.dtype for one in facts.ops}["sum"] == "int8"


def test_images_and_what_the_package_says_of_itself(tmp_path: Path) -> None:
    ct = coremltools()
    image = ct.ImageType(name="x", shape=(1, 3, 8, 8), color_layout=ct.colorlayout.BGR)
    model = convert(tmp_path / "m.mlpackage", torch.nn.Conv2d(3, 2, 3), (1, 3, 8, 8), inputs=[image])
    model.author, model.short_description = "Somebody", "Two maps"
    with quiet():
        model.save(str(tmp_path / "m.mlpackage"))
    facts = inspect_coreml(tmp_path / "m.mlpackage")
    assert [(one.dtype, one.shape) for one in facts.inputs] == [("image BGR", (8, 8))]
    assert (facts.metadata["author"], facts.metadata["description"]) == ("Somebody", "Two maps")
    assert facts.metadata["coremltools_version"] == ct.__version__


def test_what_is_no_ml_program_is_refused_with_what_to_do(tmp_path: Path) -> None:
    old = coremltools().proto.Model_pb2.Model()
    old.specificationVersion = 4
    old.neuralNetwork.SetInParent()
    (tmp_path / "old.mlmodel").write_bytes(old.SerializeToString())
    with pytest.raises(UsageProblem, match=r"holds a neuralNetwork, not an ML program\. .* iOS 15"):
        inspect_coreml(tmp_path / "old.mlmodel")
    with pytest.raises(UsageProblem, match="not a readable Core ML model"):
        inspect_coreml(tmp_path / "absent.mlpackage")


def test_a_package_without_its_weights_is_damaged(tmp_path: Path) -> None:
    path = build(tmp_path / "m.mlpackage", linear, {"x": (1, 16)})
    weights = path / "Data/com.apple.CoreML/weights/weight.bin"
    weights.write_bytes(weights.read_bytes()[:10])
    with pytest.raises(UsageProblem, match="is damaged"):
        inspect_coreml(path)
