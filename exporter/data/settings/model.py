"""What a user says of a model: weights, inputs, normalization, class labels."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, WithJsonSchema, model_validator

from exporter.data.base import Frozen
from exporter.data.settings.flexible import Flexible
from exporter.data.settings.task import Resize, TaskSettings

ColorOrder = Literal["RGB", "BGR", "GRAY"]
Layout = Literal["NCHW", "NHWC"]


def _numbers(value: object) -> object:
    return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value


Channels = Annotated[
    tuple[float, ...],
    BeforeValidator(_numbers),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}),
]


Length = Annotated[int, Field(ge=1)]
Range = Annotated[str, Field(pattern=r"^[0-9]+\.\.[0-9]+$")]
Dimension = Length | Range | tuple[Length, ...]


class InputSettings(Frozen):
    """One input of the model.

    Attributes:
        name: as it shall be called in the artifacts.
        shape: batch first; a length, a range such as ``"128..512"``, or a list of the only lengths. Lists of one input
            belong together: their first lengths make one shape, their second lengths another.
        dtype: element type; ``uint8`` is for images of ONNX files.
    """

    name: str = "image"
    shape: tuple[Dimension, ...]
    dtype: Literal["float32", "int32", "int64", "uint8"] = "float32"

    @property
    def flexible(self) -> Flexible | None:
        """The shapes that it can have; None where there is one."""
        lists = [size for size in self.shape if isinstance(size, tuple)]
        if lists:
            columns = (size if isinstance(size, tuple) else (size,) * len(lists[0]) for size in self.shape)
            return Flexible.model_validate({"shapes": tuple(zip(*columns, strict=True))})
        ranges = tuple(_ends(size) for size in self.shape)
        return Flexible(ranges=ranges) if any(low < high for low, high in ranges) else None

    @property
    def example(self) -> tuple[int, ...]:
        """The shape with which the model is traced, calibrated, evaluated and measured: the largest."""
        flexible = self.flexible
        return tuple(_ends(size)[1] for size in self.shape) if flexible is None else flexible.largest

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problem = _shape_problem(self.shape)
        if problem:
            raise ValueError(problem)
        return self


def _ends(size: Dimension) -> tuple[int, int]:
    """Least and greatest length."""
    if isinstance(size, str):
        low, _, high = size.partition("..")
        return int(low), int(high)
    return (min(size), max(size)) if isinstance(size, tuple) else (size, size)


def _shape_problem(shape: tuple[Dimension, ...]) -> str:
    """What keeps dimensions from being the shapes of an input, as a sentence; empty when nothing does."""
    ranges = [size for size in shape if isinstance(size, str)]
    lists = [size for size in shape if isinstance(size, tuple)]
    if shape and not isinstance(shape[0], int):
        return "the first dimension is the batch, which is fixed: write 1"
    for low, high in map(_ends, ranges):
        if not 1 <= low < high:
            return f"{low}..{high} is no range: its first end is at least 1, and its second is greater"
    if ranges and lists:
        return "a shape has ranges or lists, not both: list whole shapes, or give ranges alone"
    if len({len(size) for size in lists}) > 1:
        return (
            f"lists of {', '.join(str(len(size)) for size in lists)} lengths: the first lengths of all lists make one "
            "shape, the second another, so that lists of one input are as long as one another"
        )
    if lists and (len(lists[0]) < 2 or len(set(zip(*lists, strict=True))) < len(lists[0])):
        return "a list names at least two different shapes"
    return ""


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
        resize: how images of another size are brought to the input's: the shorter side and a centre crop, stretched, or
            whole with gray bars (letterbox); unset takes the crop where an image has one class, and stretches where a
            task says what lies where.
        tokenizer: a ``tokenizer.json`` of the library tokenizers, which makes ids of text.
        sample_rate: samples a second of audio that the model takes; files of another rate are refused.
        front_end: ``module:function`` or ``file.py:function`` that makes the inputs of an audio file, given its samples
            and their rate; unset gives the samples themselves.
        depth_scale: what one step of a depth image of 16 bits is, in the unit of the model's outputs.
        cache_length: of a decoder of transformers, the most tokens of a sequence: the model is then one step that takes
            a token and its cache of keys and values, and gives the scores of the next token and the cache.
        carried: input -> output that the next call is given for it, in a model that is one step of a sequence.
        counter: the input of such a model that counts the calls from 0; empty where there is none.
        trust_pickle: whether a file that runs code when loaded may be loaded.
        task: what the outputs mean, and how they are read; unset looks at outputs as numbers.
        author: of the model, for the artifacts' metadata.
        license: likewise; unset takes what the model's library says.
        version: likewise.
        description: likewise.
    """

    weights: str | None = None
    inputs: tuple[InputSettings, ...] = ()
    outputs: tuple[str, ...] = ()
    layout: Layout | None = None
    mean: Channels | None = None
    std: Channels | None = None
    color_order: ColorOrder | None = None
    labels: Path | None = None
    resize: Resize | None = None
    tokenizer: Path | None = None
    sample_rate: Annotated[int, Field(ge=1)] | None = None
    front_end: str | None = None
    depth_scale: Annotated[float, Field(gt=0)] = 0.001
    cache_length: Annotated[int, Field(ge=1)] | None = None
    carried: dict[str, str] = {}
    counter: str = ""
    trust_pickle: bool = False
    task: SerializeAsAny[TaskSettings] | None = None
    author: str = ""
    license: str = ""
    version: str = ""
    description: str = ""

    @property
    def fitting(self) -> Resize:
        """How images of another size are fitted: as is known, else by a crop."""
        return self.known_fitting or "crop"

    @property
    def known_fitting(self) -> Resize | None:
        """How they are fitted: as the user or the source's library says, else as the task needs it."""
        return self.resize or (None if self.task is None else self.task.resize)

    @model_validator(mode="after")
    def _positive_std(self) -> Self:
        if self.std is not None and any(not value > 0 for value in self.std):
            raise ValueError(f"std must be above 0, not {', '.join(map(str, self.std))}")
        return self
