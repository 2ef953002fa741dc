"""The inputs of a source: what the user says of them over what the source says itself."""

from collections.abc import Collection, Mapping, Sequence
from typing import get_args

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import CROP, ImageSpec, InputSpec, Interpolation
from exporter.data.settings.model import InputSettings, ModelSettings


def input_specs(
    spec: str,
    settings: ModelSettings,
    known: tuple[InputSettings, ...],
    image: ImageSpec | None,
    carried: Collection[str] = (),
) -> tuple[InputSpec, ...]:
    """What the source takes.

    Args:
        spec: the MODEL argument, for messages.
        settings: the user's.
        known: as the source says.
        image: how the source's weights want pixels.
        carried: inputs that an earlier call gives, and that hold no pixels.

    Raises:
        UsageProblem: no shape is known, or what the user says does not fit.
    """
    inputs = settings.inputs or known
    if not inputs:
        raise UsageProblem(f"model {spec}: its input shape is not known; give it with --input-shape 1,3,224,224.")
    layout = settings.layout or "NCHW"
    specs = []
    for item in inputs:
        shape, flexible = item.example, item.flexible
        axis = 1 if layout == "NCHW" else 3
        channels = shape[axis] if len(shape) == 4 and axis not in (flexible.axes if flexible else ()) else 0
        takes_pixels = channels in (1, 3) and item.dtype in ("float32", "uint8") and item.name not in carried
        pixels = _image_spec(settings, image, channels) if takes_pixels else None
        if item.dtype == "uint8" and (settings.mean or settings.std):
            raise UsageProblem(f"input {item.name} takes pixels as they are (uint8); leave --mean and --std out.")
        specs.append(
            InputSpec(name=item.name, shape=shape, dtype=item.dtype, layout=layout, image=pixels, flexible=flexible)
        )
    if (settings.mean or settings.std) and not any(item.image for item in specs):
        raise UsageProblem(
            "--mean and --std are for image inputs: four dimensions with 1 or 3 channels. "
            f"The inputs are {', '.join(str(item.shape) for item in specs)}."
        )
    return tuple(specs)


def known_interpolation(name: object) -> Interpolation | None:
    """Of a library's name, which is PIL's; None where it says none, or one that it draws anew each time."""
    return next((one for one in get_args(Interpolation) if one == name), None)


def check_carried(
    spec: str,
    inputs: Sequence[InputSpec],
    outputs: Mapping[str, tuple[int, ...]],
    carried: Mapping[str, str],
    counter: str,
) -> None:
    """Refuse inputs and outputs that are not there, or unlike.

    Args:
        spec: the MODEL argument, for messages.
        outputs: with their shapes.
        carried: input -> output.
        counter: an input of integers; empty for none.

    Raises:
        UsageProblem: what is wrong with them.
    """
    shapes = {item.name: item.shape for item in inputs}
    for name, output in carried.items():
        if name not in shapes or output not in outputs:
            raise UsageProblem(
                f"model {spec} carries output {output} to input {name}, and has no such pair: its inputs are "
                f"{', '.join(shapes)}, its outputs {', '.join(outputs)}."
            )
        if shapes[name] != outputs[output]:
            raise UsageProblem(
                f"model {spec} carries output {output} {list(outputs[output])} to input {name} {list(shapes[name])}: "
                "they must have the same shape."
            )
    if counter and not any(item.name == counter and item.dtype in ("int32", "int64") for item in inputs):
        raise UsageProblem(f"model {spec} has no input {counter} of integers that could count its calls.")


def _image_spec(settings: ModelSettings, known: ImageSpec | None, channels: int) -> ImageSpec:
    mean = settings.mean or (known.mean if known and len(known.mean) in (1, channels) else (0.0,))
    std = settings.std or (known.std if known and len(known.std) in (1, channels) else (1.0,))
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, channels):
            raise UsageProblem(
                f"--{name} has {len(values)} values; the image input has {channels} channels: give 1 or {channels}."
            )
    color = settings.color_order or ("GRAY" if channels == 1 else known.color if known else "RGB")
    if (color == "GRAY") != (channels == 1):
        raise UsageProblem(f"colour order {color} does not fit an input of {channels} channels.")
    return ImageSpec(
        mean=tuple(mean) * (channels if len(mean) == 1 else 1),
        std=tuple(std) * (channels if len(std) == 1 else 1),
        color=color,
        crop=CROP if known is None else known.crop,
        interpolation=None if known is None else known.interpolation,
    )
