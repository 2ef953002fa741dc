"""Which shapes Core ML of a system can hold: flexible ones, and those of pictures."""

from collections.abc import Sequence

from exporter.data.facts.source import InputSpec
from exporter.formats.coreml.settings import CoremlTarget

MOST_SHAPES = 128
"""Of one input, says Apple's documentation of ``MLMultiArrayShapeConstraint`` and coremltools' guide."""
_SEVERAL_LISTS = 18
"""The iOS from which on more than one input may list its shapes (coremltools 9.0)."""


def shapes_problem(target: CoremlTarget, inputs: Sequence[InputSpec]) -> str | None:
    """Why Core ML cannot hold the shapes of `inputs`, as a sentence; None when it can."""
    listed = {spec.name: spec.flexible.shapes for spec in inputs if spec.flexible is not None and spec.flexible.shapes}
    names = ", ".join(listed)
    for name, shapes in listed.items():
        if len(shapes) > MOST_SHAPES:
            return f"input {name} lists {len(shapes)} shapes, and Core ML holds {MOST_SHAPES}. Give a range, or fewer."
    if len(listed) > 1 and target.generation < _SEVERAL_LISTS:
        return (
            f"inputs {names} list their shapes; before iOS {_SEVERAL_LISTS} Core ML holds a list for one alone, and "
            f'minimum_os is {target.minimum_os}. Give ranges, or set minimum_os = "iOS {_SEVERAL_LISTS}".'
        )
    if len({len(shapes) for shapes in listed.values()}) > 1:
        return (
            f"inputs {names} list different numbers of shapes; Core ML wants as many of each. Give as many, or ranges."
        )
    return None


def pictures_problem(target: CoremlTarget, inputs: Sequence[InputSpec]) -> str | None:
    """Why an image input, which alone normalizes in Core ML, cannot hold a batch; None where it can or need not."""
    several = next((spec for spec in inputs if spec.shape[0] != 1), None)
    if target.preprocessing == "none" or several is None:
        return None
    return (
        f"input {several.name} takes {several.shape[0]} pictures, and an image input of Core ML, which normalizes, "
        "holds one. Give a batch of 1, or leave preprocessing out and normalize in the app."
    )
