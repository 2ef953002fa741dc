"""Operands as the loader of programs gives them."""

from exporter.formats.coreml.reference.family import Ints


def ints(*values: int) -> Ints:
    """A constant operand, as the loader gives it."""
    return Ints(values)
