"""SourceDescription: everything about a model source that needs no torch to be passed on."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from exporter.data.base import Frozen, JsonMapping
from exporter.data.settings.flexible import Flexible
from exporter.data.settings.model import ColorOrder, Layout
from exporter.data.settings.task import Resize


class SourceKind(StrEnum):
    """The forms that a MODEL argument can take."""

    TORCHVISION = "torchvision"
    TIMM = "timm"
    TRANSFORMERS = "transformers"
    ULTRALYTICS = "ultralytics"
    SMP = "smp"
    FACTORY = "factory"
    EXPORTED = "pt2"
    TORCHSCRIPT = "torchscript"
    ONNX = "onnx"


Interpolation = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
"""How pixels between pixels are made, by PIL's names, in the order of its numbers."""

CROP = 224 / 256
"""What a centre crop keeps where nobody says (torchvision's first classification presets)."""


class ImageSpec(Frozen):
    """How pixels become the model's input: ``(pixel / 255 - mean) / std`` a channel, in `color` order.

    Attributes:
        crop: share of the shorter side that a centre crop keeps (timm's ``crop_pct``).
        interpolation: with which images of another size are fitted; None where that is not known.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    color: ColorOrder
    crop: float = CROP
    interpolation: Interpolation | None = None


class InputSpec(Frozen):
    """One input as the source takes it.

    Attributes:
        shape: batch first; of a flexible input its example's.
        dtype: an image of ``uint8`` takes pixels from 0 to 255 as they are.
        image: None for inputs that are no image.
        least: of integers, the least that the source is known to run on: 1 for lengths.
        flexible: the shapes that it can have; None where there is one.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    layout: Layout = "NCHW"
    image: ImageSpec | None = None
    least: int = 0
    flexible: Flexible | None = None

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

    @property
    def tried(self) -> tuple[tuple[int, ...], ...]:
        """Shapes that source and artifact are run on, the example's last."""
        return (self.shape,) if self.flexible is None else self.flexible.tried

    @property
    def channels_first(self) -> "InputSpec":
        """The input as converters see it: images NCHW, others unchanged."""
        if self.image is None or self.layout == "NCHW":
            return self
        order = (0, 3, 1, 2)
        shape = tuple(self.shape[axis] for axis in order)
        flexible = None if self.flexible is None else self.flexible.moved(order)
        return self.model_copy(update={"shape": shape, "layout": "NCHW", "flexible": flexible})

    def sized(self, shape: tuple[int, ...]) -> "InputSpec":
        """The same input with one shape."""
        return self.model_copy(update={"shape": shape, "flexible": None})


def at_every_size(inputs: Sequence[InputSpec]) -> tuple[tuple[InputSpec, ...], ...]:
    """The inputs with the shapes that are tried, the example's last; with these alone where no input is flexible.

    Flexible inputs change together: all have their first shape, then all their second.
    """
    most = max((len(spec.tried) for spec in inputs), default=1)
    return tuple(
        tuple(spec.sized(spec.tried[max(0, place - most + len(spec.tried))]) for spec in inputs)
        for place in range(most)
    )


class SourceDescription(Frozen):
    """A model source.

    Attributes:
        digest: SHA-256 of everything that decides what the model computes.
        output_shapes: of `outputs`, batch first, on inputs of these shapes.
        labels: class names in the order of the outputs, one a class of the first output; empty when unknown.
        classes: names that its task counts, where the first output is not a score a class; empty when unknown.
        carried: input -> output that the next call is given for it, in a model that is one step of a sequence.
        counter: the input that counts the calls of a sequence from 0; empty where there is none.
        task: how the outputs are read, as the source's library says: what a ``[model.task]`` table would; empty when
            it does not say.
        resize: how images of another size were fitted in its training; None where that is not known.
        license: of the weights, as their library says: an SPDX identifier or a name; empty when it does not say.
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
    classes: tuple[str, ...] = ()
    carried: dict[str, str] = {}
    counter: str = ""
    task: JsonMapping = {}
    resize: Resize | None = None
    license: str = ""
    notes: tuple[str, ...] = ()
    parameters: int
    size_bytes: int
