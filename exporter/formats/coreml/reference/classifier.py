"""The classes of a classifier, as its ML program holds them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.formats.coreml.reference.dtypes import declared
from exporter.formats.coreml.reference.errors import ModelFileError
from exporter.formats.coreml.reference.files.package import read_model_file
from exporter.formats.coreml.reference.files.program import default_function, load_program


@dataclass(frozen=True)
class Classifier:
    """What a program's ``classify`` operation reads.

    Attributes:
        labels: strings or integers, in the order of the scores.
        scores: name of the value that holds the scores.
    """

    labels: tuple[str | int, ...]
    scores: str


def classifier_of(function: Any) -> Classifier | None:
    """The classifier of a loaded MIL function; None when it classifies nothing."""
    for op in function.operations:
        if op.op_type == "classify":
            return Classifier(tuple(map(_label, _values(op.classes))), op.probabilities.name)
    return None


def scalars_of(function: Any) -> frozenset[str]:
    """Names of a function's outputs that are scalars; Core ML gives them as arrays of one element."""
    return frozenset(var.name for var in function.outputs if declared(var) is not None and var.rank == 0)


def read_function(path: Path) -> Any:
    """The default function of a package, as a MIL function.

    Raises:
        ModelFileError: the file is damaged or is not an ML program.
    """
    file = read_model_file(path)
    program = load_program(file)
    return program.functions[default_function(file, program, None)]


def _values(variable: Any) -> Iterator[Any]:
    held = variable.val
    if held is None:
        raise ModelFileError("the class labels of this classifier are not a constant. Export it again")
    yield from getattr(held, "ls", held)


def _label(value: Any) -> str | int:
    value = getattr(value, "val", value)
    return value if isinstance(value, str) else int(value)
