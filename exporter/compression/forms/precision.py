"""Precision: how one weight is to be stored, as data. Importing this does not load torch."""

from typing import Literal, NamedTuple

Kind = Literal["table", "grid", "float16"]


class Precision(NamedTuple):
    """How a weight is stored.

    Attributes:
        form: a lookup table, a symmetric integer grid, or float16.
        bits: of an index (1 to 8) or an integer (4 or 8); 16 for float16.
        group_size: output channels that share a table; None for the whole tensor.
        block_size: input channels that share a scale with their whole kernels; None for one scale an output channel.
    """

    form: Kind
    bits: int
    group_size: int | None = None
    block_size: int | None = None


FLOAT16 = Precision("float16", 16)
