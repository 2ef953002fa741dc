"""Writes decoding and suppression into an ONNX file."""

from pathlib import Path

import onnx

from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.onnx.metadata import described
from exporter.formats.onnx.postprocessing.joined import joined
from exporter.formats.onnx.postprocessing.suppression import suppress
from exporter.formats.onnx.settings import OnnxTarget


def postprocess(target: OnnxTarget, path: Path, out: Path, asked: Postprocessing) -> None:
    """See `Format.postprocess`."""
    model = onnx.load(str(path))
    if asked.decoder is not None:
        model = joined(model, onnx.load(str(asked.decoder)), asked.wires)
    if asked.suppression is not None:
        suppress(model, asked.suppression)
    onnx.checker.check_model(model)
    onnx.save(described(model, asked.description, asked.settings, target.preprocessing), str(out))
