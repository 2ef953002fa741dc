"""TFLite model metadata: names, normalization and labels that Android's task libraries and Android Studio read.

Written with the flatbuffers library, field by field after the published schema (``metadata_schema.fbs`` 1.5.0); the
library that used to write it, tflite-support, cannot be installed beside onnx2tf. The label file is attached as a zip,
as there.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import flatbuffers

from exporter.data.facts.pictures import Picture
from exporter.data.facts.source import InputSpec, SourceDescription
from exporter.data.settings.model import ColorOrder, ModelSettings
from exporter.data.settings.target import Preprocessing
from exporter.formats.common.pictures import Pictures, Takes, pictures_of, told
from exporter.formats.tflite.inspection.names import AUTHORSHIP, IMAGES, METADATA_NAME

LABELS_FILE = "labels.txt"
_IDENTIFIER = b"M001"
_COLORS: dict[ColorOrder, int] = {"BGR": 0, "RGB": 1, "GRAY": 2}
"""``ColorSpaceType``, which knows no BGR: 0 is for what it does not know."""
_IMAGE_PROPERTIES, _NORMALIZATION, _TENSOR_AXIS_LABELS = 2, 1, 2


def entries(description: SourceDescription, settings: ModelSettings, preprocessing: Preprocessing) -> dict[str, bytes]:
    """The entries of a file's metadata, by their names.

    Args:
        description: of what the file computes.
        preprocessing: what the file does already, and an app must not do again.
    """
    takes: Takes = "floats" if preprocessing == "none" else "pixels"
    pictures = pictures_of(description.inputs, settings, takes)
    found = description.spec, settings, description.inputs, pictures, description.outputs, description.labels
    return {METADATA_NAME: metadata(*found), IMAGES: told(pictures).encode()}


def metadata(
    name: str,
    settings: ModelSettings,
    inputs: Sequence[InputSpec],
    pictures: Pictures,
    outputs: Sequence[str],
    labels: Sequence[str],
) -> bytes:
    """A metadata flatbuffer.

    Normalization is written as Android applies it: ``(pixel - mean) / std`` on pixels from 0 to 255; 0 and 1 where an
    app has nothing to compute.

    Args:
        name: of the model.
        settings: author, license, version and description.
        inputs: of the source.
        pictures: how pictures become them.
        outputs: names.
        labels: class names of the first output; they are referred to as `LABELS_FILE`.
    """
    builder = flatbuffers.Builder(1024)
    input_tables = [_input(builder, spec, pictures.get(spec.name)) for spec in inputs]
    output_tables = [_output(builder, output, bool(labels) and index == 0) for index, output in enumerate(outputs)]
    subgraph = _table(builder, {2: _vector(builder, input_tables), 3: _vector(builder, output_tables)})
    said = {slot: getattr(settings, field) for field, slot in AUTHORSHIP.items()}
    texts = {0: name, 1: settings.description, **said, 7: "1.0.0"}
    strings = {slot: builder.CreateString(text) for slot, text in texts.items() if text}
    root = _table(builder, {**strings, 3: _vector(builder, [subgraph])})
    builder.Finish(root, file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def attach_labels(content: bytes, labels: Sequence[str]) -> bytes:
    """`content` with a zip of the label file behind it; the flatbuffer itself is unchanged."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo(LABELS_FILE)  # a fixed date keeps equal models equal, byte for byte
        archive.writestr(entry, "\n".join(labels) + "\n")
    return content + buffer.getvalue()


def _input(builder: Any, spec: InputSpec, picture: Picture | None) -> int:
    fields = {0: builder.CreateString(spec.name)}
    said = ["" if picture is None else str(picture)]
    said += ["" if spec.flexible is None else f"shapes, as the source has them: {spec.flexible}"]
    if any(said):
        fields[1] = builder.CreateString(". ".join(filter(None, said)))
    if picture is not None:
        properties = _table(builder, {}, {0: _COLORS[picture.color]})
        fields[3] = _table(builder, {1: properties}, {0: _IMAGE_PROPERTIES})
        mean, std = ([255 * value for value in values] for values in (picture.mean, picture.std))
        options = _table(builder, {0: _floats(builder, mean or [0.0]), 1: _floats(builder, std or [1.0])})
        fields[4] = _vector(builder, [_table(builder, {1: options}, {0: _NORMALIZATION})])
    return _table(builder, fields)


def _output(builder: Any, name: str, labelled: bool) -> int:
    fields = {0: builder.CreateString(name)}
    if labelled:
        file = _table(builder, {0: builder.CreateString(LABELS_FILE)}, {2: _TENSOR_AXIS_LABELS})
        fields[6] = _vector(builder, [file])
    return _table(builder, fields)


def _table(builder: Any, offsets: dict[int, int], numbers: dict[int, int] | None = None) -> int:
    """A table from slot -> offset of a child, and slot -> a byte-sized number (enum)."""
    numbers = numbers or {}
    builder.StartObject(max([*offsets, *numbers, 0]) + 1)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, number in numbers.items():
        builder.PrependInt8Slot(slot, number, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
