"""Class names and constants of a .tflite, for the gates."""

import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.data.facts.artifact import FileFacts
from exporter.data.facts.pictures import Picture
from exporter.execution.heavy import load
from exporter.formats.common.bytes.damage import mapped
from exporter.formats.common.pictures import read
from exporter.formats.tflite.inspection.names import IMAGES
from exporter.formats.tflite.inspection.tables import Model, read_model

_FLOATS = ("float32", "float16")


def file_facts(artifact: Path) -> FileFacts:
    """What the file at `artifact` itself shows."""
    model = read_model(mapped(artifact))
    return FileFacts(labels=embedded_labels(artifact), nan_constants=tuple(_not_numbers(model)))


def file_pictures(artifact: Path) -> dict[str, Picture]:
    """How pictures become its inputs, by their names; nothing where the file does not say so."""
    return pictures_in(read_model(mapped(artifact)))


def pictures_in(model: Model) -> dict[str, Picture]:
    """As `file_pictures`."""
    buffer = model.metadata.get(IMAGES)
    return {} if buffer is None else read(bytes(model.buffers[buffer]).decode("utf-8", "replace"))


def embedded_labels(artifact: Path) -> tuple[str, ...]:
    """Class names of the first text file that it carries; empty when it carries none."""
    if not zipfile.is_zipfile(artifact):
        return ()
    with zipfile.ZipFile(artifact) as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        return tuple(archive.read(names[0]).decode("utf-8", "replace").splitlines()) if names else ()


def _not_numbers(model: Model) -> Iterator[str]:
    """Floating-point constants and quantization scales that hold a NaN."""
    for tensor in (tensor for graph in model.graphs for tensor in graph.tensors):
        if _has_nan(tensor.quantization.scales):
            yield f"scale of {tensor.name}"
        if tensor.dtype in _FLOATS and _holds_nan(model.buffers[tensor.buffer], tensor.dtype):
            yield tensor.name


def _has_nan(scales: Sequence[float]) -> bool:
    return any(map(math.isnan, scales))


def _holds_nan(data: memoryview, dtype: str) -> bool:
    numpy = load("numpy")
    return bool(numpy.isnan(numpy.frombuffer(data, dtype)).any())
