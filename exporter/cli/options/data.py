"""Options that name data; shared by the commands that take some."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_FORMS = "images, annotations (COCO, YOLO, VOC, masks), audio, text, .npz or module:factory; see docs/data.md."
_CALIBRATION = click.option("--calibration", metavar="DATA", help=f"Representative data: {_FORMS}")
_CALIBRATION_SAMPLES = click.option(
    "--calibration-samples",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="At most so many examples calibrate.",
)
_EVALUATION = click.option("--evaluation", metavar="DATA", help=f"Data to compare on, with labels: {_FORMS}")
_EVALUATION_SAMPLES = click.option(
    "--evaluation-samples", type=click.IntRange(1), metavar="N", help="At most so many.  [default: all]"
)
training_option = click.option(
    "--data", "training", metavar="DATA", help="Images for recipes that train; labels are optional."
)


def calibration_options(command: Command) -> Command:
    """Representative data, and how much of it is taken."""
    return _CALIBRATION(_CALIBRATION_SAMPLES(command))


def evaluation_options(command: Command) -> Command:
    """Data to compare on, and how much of it is taken."""
    return _EVALUATION(_EVALUATION_SAMPLES(command))
