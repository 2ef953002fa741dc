"""Writes decoding and suppression into a TFLite file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exporter.data.settings.suppression import Suppression
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.tflite.conversion import file as tflite_file
from exporter.formats.tflite.conversion import metadata as tflite_metadata
from exporter.formats.tflite.conversion.check import loadable
from exporter.formats.tflite.conversion.metadata import Labels
from exporter.formats.tflite.postprocessing.custom import suppress_by_custom
from exporter.formats.tflite.postprocessing.joined import as_floats, join
from exporter.formats.tflite.postprocessing.suppression import suppress
from exporter.formats.tflite.quantization.edit import drop_unused_codes
from exporter.formats.tflite.settings import TfliteTarget

DETECTIONS = ("location", "category", "score", "number of detections")
"""What libraries of object detectors call the outputs of TFLite_Detection_PostProcess, in its order."""


def postprocess(target: TfliteTarget, path: Path, out: Path, asked: Postprocessing) -> None:
    """See `Format.postprocess`."""
    model = tflite_file.parse(path.read_bytes())
    if asked.decoder is not None:
        join(model, tflite_file.parse(asked.decoder.read_bytes()), asked.wires)
    as_floats(model)
    names = asked.description.outputs
    if asked.suppression is not None:
        names, outputs = _suppressed(model, target, asked, asked.suppression)
        model.subgraphs[0].outputs = np.array(outputs, np.int32)
    drop_unused_codes(model)
    content = _described(model, target, asked, names)
    loadable(content)
    labels = asked.description.labels
    out.write_bytes(tflite_metadata.attach_labels(content, labels) if labels else content)


def _suppressed(
    model: Any, target: TfliteTarget, asked: Postprocessing, suppression: Suppression
) -> tuple[tuple[str, ...], list[int]]:
    """Names and indices of the outputs."""
    if target.suppression == "builtin":
        return asked.description.outputs, suppress(model, suppression)
    height, width = asked.image.height_width
    return DETECTIONS, suppress_by_custom(model, suppression, (width, height))


def _described(model: Any, target: TfliteTarget, asked: Postprocessing, names: Sequence[str]) -> bytes:
    """With names of the inputs and outputs that it has now, a signature and metadata."""
    description, settings = asked.description, asked.settings
    data = tflite_metadata.entries(description, settings, target.preprocessing, _outputs(names, asked))
    model.metadata = [item for item in model.metadata or [] if tflite_file.text(item.name) not in data]
    inputs = [spec.name for spec in description.inputs]
    text = tflite_file.text(model.description)
    return tflite_file.finish(tflite_file.pack(model), inputs, names, {}, [], data, text)


def _outputs(names: Sequence[str], asked: Postprocessing) -> list[tflite_metadata.Output]:
    """With class names where scores have a place for each class, or classes are numbers."""
    kinds: dict[str, Labels] = {"classes": "values", "category": "values"} if asked.suppression else {"scores": "axis"}
    known = kinds if asked.description.labels else {}
    return [tflite_metadata.Output(name, known.get(name), name == DETECTIONS[0]) for name in names]
