"""What a number of examples can decide."""

import math

from exporter.verification.paired import Z_95

_DISCORDANT = 2.0
"""Examples that change sides for each one that is lost in the balance: as many are gained as are lost beyond it."""


def sample_notes(examples: int, max_drop: float | None, *, labelled: bool) -> list[str]:
    """Sentences on what `examples` leave open of a limit of `max_drop` points."""
    notes = []
    if not labelled:
        notes.append("the evaluation data has no labels: losses are disagreement with the source's own results.")
    if max_drop is not None and max_drop > 0:
        needed = math.ceil(Z_95**2 * _DISCORDANT / (max_drop / 100))
        if examples < needed:
            notes.append(
                f"{examples} examples cannot tell a loss of {max_drop:g} points from none; about {needed:,} would."
            )
    return notes
