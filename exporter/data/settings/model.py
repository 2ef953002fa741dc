"""What a user says of a model: weights, inputs, normalization, class labels."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from exporter.data.base import Frozen

ColorOrder = Literal["RGB", "BGR", "GRAY"]
Layout = Literal["NCHW", "NHWC"]


def _numbers(value: object) -> object:
    return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value


Channels = Annotated[
    tuple[float, ...],
    BeforeValidator(_numbers),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}),
]


class InputSettings(Frozen):
    """One input of the model.

    Attributes:
        name: as it shall be called in the artifacts.
        shape: batch first.
        dtype: element type; ``uint8`` is for images of ONNX files.
    """

    name: str = "image"
    shape: tuple[Annotated[int, Field(ge=1)], ...]
    dtype: Literal["float32", "int32", "int64", "uint8"] = "float32"


class ModelSettings(Frozen):
    """The ``[model]`` table of a targets file; options of the command line win over it.

    Attributes:
        weights: ``default``, ``none``, or a file with a state dict.
        inputs: names and shapes; unset takes what the source itself says.
        outputs: names of the outputs, in the order that the model returns them.
        layout: of a four-dimensional input as the source takes it.
        mean: a channel, on RGB / 255.
        std: a channel, on RGB / 255.
        color_order: of the channels that the source takes.
        labels: a text file with one class name a line.
        resize: how images of another size are brought to the input's: the shorter side and a centre crop, or stretched.
        trust_pickle: whether a file that runs code when loaded may be loaded.
    """

    weights: str | None = None
    inputs: tuple[InputSettings, ...] = ()
    outputs: tuple[str, ...] = ()
    layout: Layout | None = None
    mean: Channels | None = None
    std: Channels | None = None
    color_order: ColorOrder | None = None
    labels: Path | None = None
    resize: Literal["crop", "stretch"] = "crop"
    trust_pickle: bool = False
    author: str = ""
    license: str = ""
    version: str = ""
    description: str = ""

    @model_validator(mode="after")
    def _positive_std(self) -> Self:
        if self.std is not None and any(not value > 0 for value in self.std):
            raise ValueError(f"std must be above 0, not {', '.join(map(str, self.std))}")
        return self
