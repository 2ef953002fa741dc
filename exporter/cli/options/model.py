"""Options that say what the model is; shared by every command that loads one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from exporter.data.settings.model import ModelSettings

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.option("--weights", metavar="default|none|FILE", help="A state dict (.pt, .safetensors)."),
    click.option(
        "--input-shape",
        "input_shapes",
        multiple=True,
        metavar="[NAME[:DTYPE]=]SHAPE",
        help="Such as 1,3,224,224; once an input. Batch first. 128..512 is a range, '{192,256}' the only lengths.",
    ),
    click.option("--output-name", "outputs", multiple=True, metavar="NAME", help="Name of an output; once an output."),
    click.option("--layout", type=click.Choice(["NCHW", "NHWC"]), help="Of the source's image input.  [default: NCHW]"),
    click.option("--mean", metavar="X[,X,X]", help="Mean a channel, on RGB / 255."),
    click.option("--std", metavar="X[,X,X]", help="Standard deviation a channel, on RGB / 255."),
    click.option("--color-order", type=click.Choice(["RGB", "BGR", "GRAY"]), help="Channels that the source takes."),
    click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="Class names, one a line."),
    click.option(
        "--resize", type=click.Choice(["crop", "stretch", "letterbox"]), help="How other image sizes are fitted."
    ),
    click.option("--cache-length", type=int, metavar="TOKENS", help="A decoder becomes one step with a cache."),
    click.option("--trust-pickle", is_flag=True, help="Load a pickled module, which can run any code."),
    click.option("--author", help="Author, for the artifacts' metadata."),
    click.option("--license", "license_", metavar="TEXT", help="License, likewise."),
    click.option("--model-version", metavar="TEXT", help="Version, likewise."),
]


def model_options(command: Command) -> Command:
    """Add the options to a command; it gets them as keyword arguments for `take_model_settings`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_model_settings(targets_file: Path | None, options: dict[str, Any]) -> "ModelSettings":
    """`ModelSettings` of a ``[model]`` table and the options, which win and are taken out of `options`."""
    from exporter.config.model import model_settings, parse_shape

    given = {
        "weights": options.pop("weights"),
        "inputs": tuple(parse_shape(text) for text in options.pop("input_shapes")),
        "outputs": options.pop("outputs"),
        "layout": options.pop("layout"),
        "mean": _numbers(options.pop("mean"), "--mean"),
        "std": _numbers(options.pop("std"), "--std"),
        "color_order": options.pop("color_order"),
        "labels": options.pop("labels"),
        "resize": options.pop("resize"),
        "cache_length": options.pop("cache_length"),
        "trust_pickle": options.pop("trust_pickle") or None,
        "author": options.pop("author"),
        "license": options.pop("license_"),
        "version": options.pop("model_version"),
    }
    return model_settings(targets_file, given)


def _numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not a number, or numbers with commas between", param_hint=option
        ) from error
