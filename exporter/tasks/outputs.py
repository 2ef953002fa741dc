"""Finds the outputs that a task reads."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription

Floats = NDArray[np.float32]


def output_named(description: SourceDescription, name: str, task: str) -> int:
    """Position of an output; the first where `name` is empty.

    Raises:
        UsageProblem: there is none of this name.
    """
    return outputs_named(description, (name,) if name else description.outputs[:1], task)[0]


def outputs_named(description: SourceDescription, names: Sequence[str], task: str) -> tuple[int, ...]:
    """Positions of outputs.

    Raises:
        UsageProblem: one is not there.
    """
    missing = [name for name in names if name not in description.outputs]
    if missing:
        raise UsageProblem(
            f"[model.task] {task}: there is no output {', '.join(missing)}; the model gives "
            f"{', '.join(description.outputs)}."
        )
    return tuple(description.outputs.index(name) for name in names)


def output_of_rank(description: SourceDescription, name: str, task: str, ranks: Sequence[int], wanted: str) -> int:
    """Position of the output of this name, or of the first, with one of these numbers of dimensions.

    Args:
        wanted: its shape in words, for the message.

    Raises:
        UsageProblem: there is none, or it is of another rank.
    """
    place = output_named(description, name, task)
    if len(description.output_shapes[place]) not in ranks:
        raise unlike(description, place, task, wanted)
    return place


def vector_output(description: SourceDescription, name: str, task: str, wanted: str) -> int:
    """Position of an output that is one row of numbers an example, (N, numbers), ones behind allowed.

    Raises:
        UsageProblem: it is no such output.
    """
    place = output_named(description, name, task)
    shape = description.output_shapes[place]
    if len(shape) < 2 or any(size != 1 for size in shape[2:]):
        raise unlike(description, place, task, wanted)
    return place


def check_names(description: SourceDescription, place: int, classes: int, task: str, names: int) -> None:
    """Refuse an output that has another number of classes than there are names.

    Args:
        names: how many there are; 0 where they are not known.

    Raises:
        UsageProblem: the numbers differ.
    """
    if names and names != classes:
        shape = list(description.output_shapes[place])
        raise UsageProblem(
            f"[model.task] {task}: output {description.outputs[place]} is {shape}, which is {classes} classes, and "
            f"there are {names} class names. Give the names of this model with labels, or name another output."
        )


def unlike(description: SourceDescription, place: int, task: str, wanted: str) -> UsageProblem:
    """What is to be said of an output that is not of the shape that a task reads."""
    return UsageProblem(
        f"[model.task] {task} reads {wanted}; output {description.outputs[place]} is "
        f"{list(description.output_shapes[place])}. Name the output that it is, or the task that the model does; the "
        f"model gives {_listed(description)}."
    )


def image_size(description: SourceDescription, task: str) -> tuple[int, int]:
    """Width and height of the first image input.

    Raises:
        UsageProblem: there is none.
    """
    images = [spec for spec in description.inputs if spec.image is not None]
    if not images:
        raise UsageProblem(f"[model.task] {task} needs an image input; the model has none.")
    height, width = images[0].height_width
    return width, height


def try_shapes(description: SourceDescription, places: Sequence[int], read: Callable[[list[Floats]], Any]) -> None:
    """Have a head read zeros, so that outputs that are not its own are refused before any model is run.

    Raises:
        UsageProblem: `read` refuses them; with their names.
    """
    zeros = [np.zeros(description.output_shapes[place], np.float32) for place in places]
    try:
        read(zeros)
    except UsageProblem as error:
        names = ", ".join(description.outputs[place] for place in places)
        raise UsageProblem(f"{error} The outputs are called {names}.") from error


def channels_last(description: SourceDescription) -> bool:
    """Whether the source has the channels of images, and so of outputs of four dimensions, last."""
    images = [spec for spec in description.inputs if spec.image is not None]
    return bool(images) and images[0].layout == "NHWC"


def best_of(scores: NDArray[Any]) -> NDArray[np.int64]:
    """Index of the highest along the last axis; -1, which is no class, where one is NaN."""
    best = np.where(np.isnan(scores).any(-1), -1, np.nan_to_num(scores).argmax(-1))
    return np.asarray(best, np.int64)


def _listed(description: SourceDescription) -> str:
    pairs = zip(description.outputs, description.output_shapes, strict=True)
    return ", ".join(f"{name} {list(shape)}" for name, shape in pairs)
