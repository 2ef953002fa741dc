"""Ranges that a recipe learned reach an ONNX file."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from exporter.formats.onnx.conversion.converter import OnnxConverter
from exporter.formats.onnx.settings import OnnxTarget
from tests.exporter.formats.common.test_hints import compressed, graph_of


@pytest.mark.parametrize("activation_type", ["int8", "uint8"])
def test_learned_ranges_replace_calibrated_ones(activation_type: str, tmp_path: Path) -> None:
    """Otherwise the file is another model than the one that was trained."""
    model = compressed({"method": "static_quantization"})
    learned = [item.maximum - item.minimum for item in model.hints.activations]
    assert learned
    quantization = {"mode": "static_int8", "activation_type": activation_type}
    target = OnnxTarget.model_validate(
        {"name": "t", "format": "onnx", "minimum_os": "Android 12", "quantization": quantization}
    )
    OnnxConverter(graph_of(model)).convert(target, tmp_path / "a.onnx", tmp_path / "b.onnx")
    graph = onnx.load(str(tmp_path / "a.onnx")).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    quantized = [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[1] in stored]
    spans = [255 * float(stored[node.input[1]]) for node in quantized]
    lost = [wanted for wanted in learned if not any(np.isclose(span, wanted, rtol=1e-4) for span in spans)]
    # The concatenation is quantized behind the ReLU that reads it, and nowhere else.
    assert len(lost) <= 1, (spans, lost)
