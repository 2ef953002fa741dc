"""The one walk over MIL programs, whether coremltools loaded them or they are messages of a file."""

from collections.abc import Iterator
from typing import Any


def operations(block: Any) -> Iterator[Any]:
    """Every operation of a block or function, each before those of the blocks inside it."""
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from operations(inner)


def blocks_of_file(program: Any) -> Iterator[Any]:
    """The outermost blocks of a file's ``MILSpec.Program``, of every function and opset."""
    for function in program.functions.values():
        yield from function.block_specializations.values()


def program_operations(program: Any) -> Iterator[Any]:
    """Every operation of every function of a loaded program."""
    for function in program.functions.values():
        yield from operations(function)
