"""Guesses what a mistyped name was meant to be. Standard library only."""

import difflib
from collections.abc import Iterable

NEAR = 0.6
"""Share of letters in common, as `difflib` counts it, from which on a name is a likely misspelling of another."""


def nearest(name: str, known: Iterable[str], *, cutoff: float = NEAR) -> str | None:
    """The one of `known` that `name` is most like; None when none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "", cutoff: float = NEAR) -> str:
    """`did you mean 'x'?` for the nearest of `known`, or `otherwise` when none is near."""
    near = nearest(name, known, cutoff=cutoff)
    return otherwise if near is None else f"did you mean {near!r}?"
