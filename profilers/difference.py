"""What was found of one output of a device against this machine's."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Difference(NamedTuple):
    """One output of a device against this machine's.

    Attributes:
        name: of the output.
        snr_db: signal-to-noise ratio over the values that are finite here; infinite when equal, None when there is
            none to compute.
        wrong: why it is wrong whatever the ratio, as a sentence without its full stop; None when it is not.
        unchecked: why nothing can be said of it, likewise.
    """

    name: str
    snr_db: float | None
    wrong: str | None = None
    unchecked: str | None = None

    @property
    def badness(self) -> tuple[int, float]:
        """The largest of several is the one to tell: wrong, then unchecked, then the least ratio."""
        kind = 2 if self.wrong else 1 if self.unchecked else 0
        return kind, -(self.snr_db if self.snr_db is not None else -math.inf)


def worst_of(differences: Sequence[Difference]) -> Difference:
    """The output to judge; at least one must be given."""
    return max(differences, key=lambda difference: difference.badness)
