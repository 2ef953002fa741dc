"""What an artifact takes and gives, as an app sees it: of its inspection and its own runtime."""

from collections.abc import Sequence
from typing import Literal

from exporter.data.facts.handoff import HandoffTensor
from exporter.data.facts.inspection import TensorFact
from exporter.data.facts.pictures import Picture
from exporter.data.facts.source import CROP, ImageSpec, InputSpec
from exporter.formats.handoff import Port

Shape = Sequence[int]


def inputs_of(facts: Sequence[TensorFact], ports: Sequence[Port]) -> tuple[HandoffTensor, ...]:
    """Inputs, pictures with everything that an app has to do with them."""
    return tuple(_input(fact.picture, port) for fact, port in zip(facts, ports, strict=True))


def notes_of(facts: Sequence[TensorFact], inputs: Sequence[HandoffTensor]) -> list[str]:
    """What is not known of pictures, in sentences."""
    found = []
    for fact, each in zip(facts, inputs, strict=True):
        if each.picture is not None and fact.picture is not None and fact.picture.resize is None:
            found.append(
                f"How pictures of another size were fitted in the training of {each.name} is not known: the code takes "
                f"the middle, {CROP:.4g} of the shorter side. Give --resize to say otherwise."
            )
        if each.picture is None and fact.picture is not None:
            found.append(
                f"Input {each.name} takes {each.shape[0]} pictures at once: the code that fills it is left to you."
            )
    return found


def _input(picture: Picture | None, port: Port) -> HandoffTensor:
    plain = HandoffTensor(
        name=port.name, dtype=port.dtype, shape=port.shape, scale=port.scale, zero_point=port.zero_point
    )
    layout = None if picture is None else _layout(picture, port.shape)
    if picture is None or layout is None:
        return plain
    # The system puts the channels of a picture that it is handed into the order that the file asks for.
    color = "RGB" if port.is_picture and picture.color == "BGR" else picture.color
    fitted = picture.model_copy(update={"color": color, **_fitting(picture)})
    scale = {"scale": 0.0, "zero_point": 0} if picture.takes_pixels else {}
    return plain.model_copy(update={"picture": fitted, "layout": layout, **scale})


def _layout(picture: Picture, shape: Shape) -> Literal["NCHW", "NHWC"] | None:
    """None for what is no single picture."""
    channels = 1 if picture.color == "GRAY" else 3
    if len(shape) != 4 or shape[0] != 1:
        return None
    if shape[3] == channels:
        return "NHWC"
    return "NCHW" if shape[1] == channels else None


def _fitting(picture: Picture) -> dict[str, object]:
    resize = picture.resize or "crop"
    return {
        "resize": resize,
        "crop": (picture.crop or CROP) if resize == "crop" else None,
        "interpolation": picture.interpolation or "bilinear",
    }


def spec_of(tensor: HandoffTensor) -> InputSpec:
    """An input as data is opened for it: a picture is normalized and laid out as the artifact takes it."""
    picture = tensor.picture
    if picture is None:
        dtype = "float32" if tensor.scale or tensor.dtype.startswith("float") else tensor.dtype
        return InputSpec(name=tensor.name, shape=tensor.shape, dtype=dtype)
    channels = 1 if picture.color == "GRAY" else 3
    image = ImageSpec(
        mean=picture.mean or (0.0,) * channels,
        std=picture.std or (1.0,) * channels,
        color=picture.color,
        crop=picture.crop or CROP,
        interpolation=picture.interpolation,
    )
    dtype = "uint8" if picture.takes_pixels else "float32"
    return InputSpec(name=tensor.name, shape=tensor.shape, dtype=dtype, layout=tensor.layout or "NHWC", image=image)
