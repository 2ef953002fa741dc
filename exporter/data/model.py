"""What a user says of a model: weights, inputs, normalization, class labels."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from exporter.config.files import read_toml
from exporter.data.errors import UsageProblem
from exporter.data.target import Settings

ColorOrder = Literal["RGB", "BGR", "GRAY"]
Layout = Literal["NCHW", "NHWC"]


def _numbers(value: object) -> object:
    return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value


Channels = Annotated[tuple[float, ...], BeforeValidator(_numbers)]


class InputSettings(Settings):
    """One input of the model.

    Attributes:
        name: as it shall be called in the artifacts.
        shape: batch first.
        dtype: element type; ``uint8`` is for images of ONNX files.
    """

    name: str = "image"
    shape: tuple[Annotated[int, Field(ge=1)], ...]
    dtype: Literal["float32", "int32", "int64", "uint8"] = "float32"


class ModelSettings(Settings):
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


def parse_shape(text: str) -> InputSettings:
    """Read ``1,3,224,224`` or ``NAME=1,3,224,224`` or ``NAME:int64=1,16``."""
    match = re.fullmatch(r"(?:([^=:]+(?::\d+)?)(?::(float32|int32|int64))?=)?(\d+(?:[,x]\d+)*)", text.strip())
    if match is None:
        raise UsageProblem(f"{text!r} is not an input shape: write 1,3,224,224 or NAME=1,3,224,224 or NAME:int64=1,16.")
    name, dtype, shape = match.groups()
    try:
        return InputSettings.model_validate(
            {"name": name or "image", "dtype": dtype or "float32", "shape": re.split("[,x]", shape)}
        )
    except ValidationError as error:
        raise UsageProblem(f"{text!r} is not an input shape: every dimension must be at least 1.") from error


def model_settings(targets_file: Path | None, given: dict[str, object]) -> ModelSettings:
    """The ``[model]`` table of `targets_file` (or of ``targets.toml`` in this folder) under what the user gave.

    Args:
        targets_file: the file of ``--targets``.
        given: settings from the command line; None values are not given.

    Raises:
        UsageProblem: all errors, each with its dotted path.
    """
    path = targets_file or Path("targets.toml")
    table = read_toml(path).get("model", {}) if targets_file or path.is_file() else {}
    if not isinstance(table, dict):
        raise UsageProblem(f"{path}: model must be a table: write [model].")
    if "labels" in table:
        table["labels"] = path.parent / str(table["labels"])
    merged = {**table, **{key: value for key, value in given.items() if value not in (None, ())}}
    try:
        return ModelSettings.model_validate(merged)
    except ValidationError as error:
        lines = [f"  model.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise UsageProblem("the model settings have errors:\n" + "\n".join(lines)) from error
