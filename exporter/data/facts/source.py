"""SourceDescription: everything about a model source that needs no torch to be passed on."""

from enum import StrEnum

from exporter.data.base import Frozen
from exporter.data.settings.model import ColorOrder, Layout


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
    def is_mask(self) -> bool:
        """Whether it says by its name that it holds zeros and ones."""
        return "mask" in self.name.lower()

    @property
    def telling(self) -> int:
        """Of integers, one that the source runs on and that hides nothing, as a mask of zeros would."""
        return max(self.least, 1) if self.is_mask else self.least

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
