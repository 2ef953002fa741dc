"""SourceDescription: everything about a model source that needs no torch to be passed on."""

import hashlib
import importlib.metadata
from enum import StrEnum
from pathlib import Path

from exporter.data.base import Frozen
from exporter.data.errors import UsageProblem
from exporter.data.model import ColorOrder, Layout, ModelSettings
from exporter.execution.heavy import load


class SourceKind(StrEnum):
    """The forms that a MODEL argument can take."""

    TORCHVISION = "torchvision"
    FACTORY = "factory"
    EXPORTED = "pt2"
    TORCHSCRIPT = "torchscript"
    ONNX = "onnx"


class ImageSpec(Frozen):
    """How pixels become the model's input: ``(pixel / 255 - mean) / std`` a channel, in `color` order."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    color: ColorOrder


class InputSpec(Frozen):
    """One input as the source takes it.

    Attributes:
        shape: batch first.
        dtype: an image of ``uint8`` takes pixels from 0 to 255 as they are.
        image: None for inputs that are no image.
        least: of integers, the least that the source is known to run on: 1 for lengths.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    layout: Layout = "NCHW"
    image: ImageSpec | None = None
    least: int = 0

    @property
    def height_width(self) -> tuple[int, int]:
        """Of an image input."""
        return (self.shape[2], self.shape[3]) if self.layout == "NCHW" else (self.shape[1], self.shape[2])


class SourceDescription(Frozen):
    """A model source.

    Attributes:
        digest: SHA-256 of everything that decides what the model computes.
        output_shapes: of `outputs`, batch first, on inputs of these shapes.
        labels: class names in the order of the outputs, one a class of the first output; empty when unknown.
        notes: what was done to what the user or the weights gave, in sentences.
        parameters: elements of all parameters and buffers that are saved.
        size_bytes: their bytes.
    """

    spec: str
    kind: SourceKind
    digest: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    output_shapes: tuple[tuple[int, ...], ...] = ()
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parameters: int
    size_bytes: int


def classify(spec: str) -> SourceKind:
    """Tell from its form what a MODEL argument is.

    Raises:
        UsageProblem: it has none of the known forms, or names a file that is not there.
    """
    if spec.startswith("torchvision:"):
        return SourceKind.TORCHVISION
    suffix = Path(spec).suffix
    kinds = {".pt2": SourceKind.EXPORTED, ".pt": SourceKind.TORCHSCRIPT, ".pth": SourceKind.TORCHSCRIPT,
             ".onnx": SourceKind.ONNX}  # fmt: skip
    if suffix in kinds:
        if not Path(spec).is_file():
            raise UsageProblem(f"model {spec}: there is no such file.")
        return kinds[suffix]
    if ":" in spec:
        return SourceKind.FACTORY
    raise UsageProblem(
        f"model {spec!r} is not a known form: write torchvision:NAME, package.module:factory, path/to/file.py:factory, "
        "or a .pt2, TorchScript .pt or .onnx file."
    )


def source_files(kind: SourceKind, path: Path) -> list[Path]:
    """The files of a saved model: itself, and for ONNX those beside it that hold its larger tensors."""
    if kind is not SourceKind.ONNX:
        return [path]
    onnx = load("onnx")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # noqa: BLE001 - whoever loads it says what is wrong with it
        return [path]
    places = {
        entry.value
        for tensor in onnx.external_data_helper._get_all_tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path, *(file for place in sorted(places) if (file := path.parent / place).is_file())]


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}.") from error


def light_key(spec: str, settings: ModelSettings) -> str | None:
    """A key that decides the description and can be had without torch; None for what is code: factories, pickles."""
    kind = classify(spec)
    if kind is SourceKind.FACTORY or settings.trust_pickle:
        return None
    parts = [spec, settings.model_dump_json(), _version("torch"), _version("torchvision")]
    if kind is not SourceKind.TORCHVISION:
        parts += [sha256_file(path) for path in source_files(kind, Path(spec))]
    if settings.weights not in (None, "default", "none"):
        parts.append(sha256_file(Path(str(settings.weights))))
    if settings.labels:
        parts.append(sha256_file(settings.labels))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
