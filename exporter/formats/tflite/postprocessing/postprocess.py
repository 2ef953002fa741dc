"""Writes decoding and suppression into a TFLite file."""

from pathlib import Path
from typing import Any

import numpy as np

from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.tflite.conversion import file as tflite_file
from exporter.formats.tflite.conversion import metadata as tflite_metadata
from exporter.formats.tflite.conversion.check import loadable
from exporter.formats.tflite.inspection.names import METADATA_NAME
from exporter.formats.tflite.postprocessing.joined import as_floats, join
from exporter.formats.tflite.postprocessing.suppression import suppress
from exporter.formats.tflite.quantization.edit import drop_unused_codes


def postprocess(path: Path, out: Path, asked: Postprocessing) -> None:
    """See `Format.postprocess`."""
    model = tflite_file.parse(path.read_bytes())
    if asked.decoder is not None:
        join(model, tflite_file.parse(asked.decoder.read_bytes()), asked.wires)
    as_floats(model)
    if asked.suppression is not None:
        model.subgraphs[0].outputs = np.array(suppress(model, asked.suppression), np.int32)
    drop_unused_codes(model)
    content = _described(model, asked)
    loadable(content)
    labels = asked.description.labels
    out.write_bytes(tflite_metadata.attach_labels(content, labels) if labels else content)


def _described(model: Any, asked: Postprocessing) -> bytes:
    """With names of the inputs and outputs that it has now, a signature and metadata."""
    description, settings = asked.description, asked.settings
    model.metadata = [item for item in model.metadata or [] if tflite_file.text(item.name) != METADATA_NAME]
    data = tflite_metadata.metadata(
        description.spec, settings, description.inputs, description.outputs, description.labels
    )
    inputs = [spec.name for spec in description.inputs]
    text = tflite_file.text(model.description)
    return tflite_file.finish(tflite_file.pack(model), inputs, description.outputs, {}, [], data, text)
