"""What a file itself shows to be wrong: class names, and NaN among its constants."""

import math
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from numpy.typing import NDArray

from exporter.data.facts.artifact import FileFacts
from exporter.data.verdict import Status
from exporter.execution.heavy import quiet
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.files import file_facts
from exporter.formats.tflite.conversion.metadata import attach_labels
from exporter.formats.tflite.inspection.file_facts import embedded_labels
from exporter.gates.files import file_verdicts

NAMES = ("ant", "bee", "cat", "dog")


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(attach_labels(b"\x1c\x00\x00\x00TFL3" + b"\x00" * 64, NAMES))
    return path


def test_the_models_names_pass(artifact: Path) -> None:
    assert embedded_labels(artifact) == NAMES
    assert [verdict.status for verdict in file_verdicts("t", FileFacts(labels=embedded_labels(artifact)), NAMES)] == [
        Status.PASSED
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("dog", "ant", "bee", "cat"), "4 class names differ: class 0 is 'ant' in the file, 'dog' here"),
        (("ant", "bee", "cat"), "4 class names in the file, the model has 3"),
        ((*NAMES, "eel"), "4 class names in the file, the model has 5"),
    ],
)
def test_shifted_and_missing_names_fail(artifact: Path, names: tuple[str, ...], words: str) -> None:
    (verdict,) = file_verdicts("t", FileFacts(labels=embedded_labels(artifact)), names)
    assert verdict.status is Status.FAILED
    assert verdict.reason == words


def test_a_file_or_a_model_without_names_says_nothing(artifact: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(b"\x1c\x00\x00\x00TFL3" + b"\x00" * 64)
    assert embedded_labels(bare) == ()
    assert file_verdicts("t", FileFacts(), NAMES) == file_verdicts("t", FileFacts(labels=NAMES), ()) == []


def tflite_file(folder: Path, weight: float, scale: float) -> Path:
    """A flatbuffer with one float constant and one quantized one."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    values: dict[str, NDArray[Any]] = {"weight": np.full(8, weight, np.float32), "packed": np.ones(8, np.int8)}
    for name, array in values.items():
        tensor, buffer = schema.TensorT(), schema.BufferT()
        buffer.data = array.view(np.uint8)
        tensor.name, tensor.shape, tensor.buffer = name.encode(), [8], len(model.buffers)
        tensor.type = schema.TensorType.FLOAT32 if name == "weight" else schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.asarray([scale if name == "packed" else 1], np.float32)
        model.buffers.append(buffer)
        graph.tensors.append(tensor)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path = folder / "constants.tflite"
    path.write_bytes(bytes(builder.Output()))
    return path


def core_ml_file(folder: Path, weight: float) -> Path:
    """A package whose weight file has one float16 constant."""
    coremltools = load_coremltools()
    builder = coremltools.converters.mil.Builder
    values = np.full((64, 64), weight, np.float32)

    @builder.program(input_specs=[builder.TensorSpec((1, 64))])  # type: ignore[untyped-decorator]
    def program(x: Any) -> Any:
        return builder.matmul(x=x, y=values, name="product")

    path = folder / "Model.mlpackage"
    with quiet():
        coremltools.convert(program, minimum_deployment_target=coremltools.target.iOS16).save(str(path))
    return path


def test_finite_constants_say_nothing(tmp_path: Path) -> None:
    assert file_verdicts("t", file_facts(tflite_file(tmp_path, 1.0, 0.5)), ()) == []
    assert file_verdicts("t", file_facts(core_ml_file(tmp_path, 1.0)), ()) == []


def test_nan_in_weights_and_scales_fails_whatever_it_computes(tmp_path: Path) -> None:
    (weight,) = file_verdicts("t", file_facts(tflite_file(tmp_path, math.nan, 0.5)), ())
    (scale,) = file_verdicts("t", file_facts(tflite_file(tmp_path, 1.0, math.nan)), ())
    (program,) = file_verdicts("t", file_facts(core_ml_file(tmp_path, math.nan)), ())
    assert {verdict.status for verdict in (weight, scale, program)} == {Status.FAILED}
    assert "constants: weight;" in weight.reason
    assert "constants: scale of packed;" in scale.reason


def test_a_file_that_could_not_be_looked_into_is_not_checked() -> None:
    """Protects against a pass of a file whose constants nobody saw."""
    (verdict,) = file_verdicts("t", None, ())
    assert verdict.status is Status.NOT_CHECKED
    assert "could not be looked into" in verdict.reason
