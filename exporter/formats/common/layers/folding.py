"""Modules in a row whose work one operation does: a convolution, its batch normalization, its activation."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from exporter.formats.common.layers.axes import Arranged, nearest
from exporter.formats.common.layers.calls import Call
from exporter.formats.common.layers.observed import CLIPS, Observed, is_activation

_ENOUGH_DB = 20.0
"""From here on a value counts as what it is compared with, to tell what was folded into it."""
_TAKES_NORMALIZATION = ("Conv", "Linear", "LazyConv", "LazyLinear")


class Standing(NamedTuple):
    """What an operation's value stands for.

    Attributes:
        places: of the calls whose work it does, in a row.
        wanted: what the source gave there.
        found: the operation's value, in the source's order of axes.
        snr_db: of the two.
    """

    places: range
    wanted: NDArray[Any]
    found: Arranged
    snr_db: float


def standing(calls: Sequence[Call], place: int, observed: Observed, taken: Collection[int]) -> Standing | None:
    """What `observed` stands for, when it does the work of call `place`; None where its value has another shape.

    What was folded into it is known from the operation where it says so (its own activation), else from the numbers:
    of the calls in a row that it may do the work of, that one which it is nearest to. Where it is near none, converters
    are taken to have folded what they can.

    Args:
        calls: of the source.
        place: of the first call.
        observed: the artifact's value.
        taken: places of calls that other operations stand for.
    """
    rated = []
    for places, wanted in choices(calls, place, observed, taken):
        found = nearest(observed.value, wanted)
        if found is not None:
            rated.append(Standing(places, wanted, *found))
    right = [one for one in rated if one.snr_db >= _ENOUGH_DB]
    return max(right or rated[:1], key=lambda one: one.snr_db, default=None)


def choices(
    calls: Sequence[Call], place: int, observed: Observed, taken: Collection[int]
) -> Iterator[tuple[range, NDArray[Any]]]:
    """Calls in a row, the likeliest first, with what they give when the operation's own activation is applied to it."""
    end = place + 1
    takes = calls[place].kind.startswith(_TAKES_NORMALIZATION) and _goes_on(calls, end, taken)
    if takes and calls[end].kind.startswith("BatchNorm"):
        yield from _with_activation(calls, range(place, end + 1), observed, taken)
    yield from _with_activation(calls, range(place, end), observed, taken)


def _with_activation(
    calls: Sequence[Call], places: range, observed: Observed, taken: Collection[int]
) -> Iterator[tuple[range, NDArray[Any]]]:
    end = places.stop
    clipped = _goes_on(calls, end, taken) and is_activation(calls[end]) and calls[end].kind.startswith(CLIPS)
    if observed.activation is None:
        yield places, calls[end - 1].value
    elif not clipped:
        yield places, observed.activation(calls[end - 1].value)
    if clipped and (observed.activation is not None or observed.may_clip):
        yield range(places.start, end + 1), calls[end].value


def _goes_on(calls: Sequence[Call], place: int, taken: Collection[int]) -> bool:
    """Whether the call at `place` works on what the one before gave, and changes no shape."""
    if place >= len(calls) or place in taken:
        return False
    one, before = calls[place], calls[place - 1]
    return one.follows and not one.container and one.value.shape == before.value.shape
