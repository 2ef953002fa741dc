"""Class names and constants of an ONNX file, for the gates."""

from pathlib import Path

from exporter.data.facts.artifact import FileFacts
from exporter.execution.heavy import load
from exporter.formats.onnx.metadata import labels_of


def file_facts(artifact: Path) -> FileFacts:
    """What the file at `artifact` itself shows."""
    onnx, numpy = load("onnx"), load("numpy")
    stored = onnx.load(str(artifact)).graph.initializer
    floats = (item for item in stored if item.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16))
    bad = tuple(item.name for item in floats if numpy.isnan(onnx.numpy_helper.to_array(item)).any())
    return FileFacts(labels=labels_of(artifact), nan_constants=bad)
