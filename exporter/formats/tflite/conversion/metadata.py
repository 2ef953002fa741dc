"""TFLite model metadata: names, normalization and labels that Android's task libraries and Android Studio read.

Written with the flatbuffers library, field by field after the published schema (``metadata_schema.fbs`` 1.5.0); the
library that used to write it, tflite-support, cannot be installed beside onnx2tf. The label file is attached as a zip,
as there.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
_IMAGE_PROPERTIES, _BOX_PROPERTIES, _NORMALIZATION, _BOUNDARIES = 2, 3, 1, 1
Labels = Literal["axis", "values"]
_LABEL_FILES: dict[Labels, int] = {"axis": 2, "values": 3}
_LEFT_TOP_RIGHT_BOTTOM = (1, 0, 3, 2)


@dataclass(frozen=True)
class Output:
    """What metadata say of an output.

    Attributes:
        labels: whether the class names are those of the places along its last ``axis``, or of its ``values``.
        boxes: whether it holds top, left, bottom and right as shares of the picture.
    """

    name: str
    labels: Labels | None = None
    boxes: bool = False


def outputs_of(names: Sequence[str], labels: Sequence[str]) -> list[Output]:
    """Outputs of a model; class names, where it has any, are those of the first."""
    return [Output(name, "axis" if labels and place == 0 else None) for place, name in enumerate(names)]


def entries(
    description: SourceDescription, settings: ModelSettings, preprocessing: Preprocessing, outputs: Sequence[Output]
) -> dict[str, bytes]:
    """The entries of a file's metadata, by their names.

    Args:
        description: of what the file computes.
        preprocessing: what the file does already, and an app must not do again.
        outputs: of the file.
    """
    takes: Takes = "floats" if preprocessing == "none" else "pixels"
    pictures = pictures_of(description.inputs, settings, takes)
    content = metadata(description.spec, settings, description.inputs, pictures, outputs)
    return {METADATA_NAME: content, IMAGES: told(pictures).encode()}


def metadata(
    name: str, settings: ModelSettings, inputs: Sequence[InputSpec], pictures: Pictures, outputs: Sequence[Output]
) -> bytes:
    """A metadata flatbuffer.

    Normalization is written as Android applies it: ``(pixel - mean) / std`` on pixels from 0 to 255; 0 and 1 where an
    app has nothing to compute.

    Args:
        name: of the model.
        settings: author, license, version and description.
        inputs: of the source.
        pictures: how pictures become them.
        outputs: those with labels refer to `LABELS_FILE`.
    """
    builder = flatbuffers.Builder(1024)
    input_tables = [_input(builder, spec, pictures.get(spec.name)) for spec in inputs]
    output_tables = [_output(builder, output) for output in outputs]
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


def _output(builder: Any, output: Output) -> int:
    fields = {0: builder.CreateString(output.name)}
    if output.boxes:
        properties = _table(builder, {0: _unsigned(builder, _LEFT_TOP_RIGHT_BOTTOM)}, {1: _BOUNDARIES})
        fields[3] = _table(builder, {1: properties, 2: _range(builder, 2)}, {0: _BOX_PROPERTIES})
    if output.labels:
        file = _table(builder, {0: builder.CreateString(LABELS_FILE)}, {2: _LABEL_FILES[output.labels]})
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


def _range(builder: Any, axis: int) -> int:
    """A ValueRange: one object lies along `axis`, and there are several."""
    builder.StartObject(2)
    builder.PrependInt32Slot(0, axis, 0)
    builder.PrependInt32Slot(1, axis, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _unsigned(builder: Any, values: Sequence[int]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependUint32(value)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
