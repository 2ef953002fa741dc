"""One ML program behind another, as one program."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from exporter.formats.coreml.conversion.names import rename_values
from exporter.formats.coreml.reference.files.blobs import blob_values, file_values
from exporter.formats.coreml.walk import blocks_of_file, operations


def join(spec: Any, tail: Any, wires: Sequence[str], scope: str) -> None:
    """Make the program of `spec` give what `tail` makes of its outputs, in place.

    Args:
        spec: a Core ML specification that holds an ML program.
        tail: one of the same opset, all of whose values are in the specification; it is changed.
        wires: names of outputs of `spec`, one for each input of `tail`.
        scope: what the names of values of `tail` begin with.
    """
    (block,), (added,) = blocks_of_file(spec.mlProgram), blocks_of_file(tail.mlProgram)
    results = list(added.outputs)
    given = [item.name for item in tail.description.input]
    moved = {name: f"{scope}_given_{name}" for name in {*_written(block)} & {*results}}
    rename_values(block, moved)
    inner = {name: f"{scope}_{name}" for name in {*_written(added)} - {*results}}
    rename_values(added, inner | {name: moved.get(wire, wire) for name, wire in zip(given, wires, strict=True)})
    block.operations.extend(added.operations)
    block.outputs[:] = results
    del spec.description.output[:]
    spec.description.output.extend(tail.description.output)


def inline(spec: Any, weights: Path) -> None:
    """Move the values of a program from its weight files into the specification, in place."""
    for value in file_values(spec.mlProgram):
        found = blob_values(value, weights)
        held = value.immediateValue.tensor  # takes the place of the reference to the file
        (held.floats if found.dtype.kind == "f" else held.ints).values.extend(found.tolist())


def _written(block: Any) -> Iterable[str]:
    return (output.name for op in operations(block) for output in op.outputs)
