"""SustainedCurve: how a model slows down as its device gets warm, and from when on."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from device_harness.frozen import Frozen
from profilers.readings import CoreGroup
from profilers.statistics import percentile

MOST_WINDOWS = 60
LEAST_WINDOW_S = 1.0
LEAST_WINDOWS = 3
"""On either side of a knee."""
LEAST_RISE = 1.05
"""Of the latency behind a knee, over that before it."""
APART = 0.9
"""So much of the windows behind a knee must be slower than so much of those before it."""
LEAST_FALL = 0.97
"""Of a frequency behind a knee, for it to have fallen."""
METHOD = (
    "the split of the windows' log medians into two levels with the least squares, told when the later level is at "
    "least 5 % higher and 90 % of its windows are slower than 90 % of the earlier ones; moved back over windows that "
    "are each slower than 90 % of those before them"
)


class Look(NamedTuple):
    """What was sampled at one time.

    Attributes:
        at_s: since the first inference.
        temperature_k: None where it is not told.
        hertz: at which each CPU ran, by its name, ``cpu0``.
    """

    at_s: float
    temperature_k: float | None
    hertz: Mapping[str, float]


class Window(Frozen):
    """A part of the run.

    Attributes:
        start_s: since its first inference.
        inferences: that began in it.
        p50_s: their median.
        temperature_k: mean of what was sampled; None where nothing was.
        frequency_hz: likewise, by kind of CPU.
    """

    start_s: float
    inferences: int
    p50_s: float
    temperature_k: float | None = None
    frequency_hz: dict[str, float] = {}


class Knee(Frozen):
    """Where a run got slower for good.

    Attributes:
        at_s: since its first inference.
        before_s: median of the windows' medians before it.
        after_s: and behind it.
        throttled: whether a CPU frequency fell with it; None where the device does not tell frequencies.
        words: what else was seen, as a clause.
    """

    at_s: float
    before_s: float
    after_s: float
    throttled: bool | None
    words: str


class SustainedCurve(Frozen):
    """A run without pause.

    Attributes:
        length_s: from the first inference to the end of the last.
        window_s: length of each window.
        windows: in order; those in which no inference began are left out.
        knee: None where none is told.
        method: how a knee is found.
    """

    length_s: float
    window_s: float
    windows: tuple[Window, ...]
    knee: Knee | None = None
    method: str = METHOD


def curve_of(
    latencies: Sequence[float], looks: Sequence[Look], groups: Sequence[CoreGroup], starts: Sequence[float] = ()
) -> SustainedCurve:
    """The curve of a run.

    Args:
        latencies: of all its inferences, in seconds.
        looks: what was sampled meanwhile.
        groups: kinds of CPUs, whose frequencies are told apart.
        starts: of the inferences, since the first one; where they are not told, each begins when the one before ends.
    """
    begins = list(starts) or [0.0, *accumulate(latencies)][:-1]
    length_s = begins[-1] + latencies[-1]
    window_s = max(LEAST_WINDOW_S, length_s / MOST_WINDOWS)
    found: dict[int, list[float]] = {}
    for begin, latency in zip(begins, latencies, strict=True):
        found.setdefault(int(begin / window_s), []).append(latency)
    windows = tuple(_window(number, window_s, found[number], looks, groups) for number in sorted(found))
    return SustainedCurve(length_s=length_s, window_s=window_s, windows=windows, knee=knee_of(windows))


def knee_of(windows: Sequence[Window]) -> Knee | None:
    """See `METHOD`; None also where there are too few windows."""
    logs = [math.log(window.p50_s) for window in windows if window.p50_s > 0]
    if len(logs) < max(2 * LEAST_WINDOWS, len(windows)):
        return None
    split = min(
        range(LEAST_WINDOWS, len(logs) - LEAST_WINDOWS + 1), key=lambda at: _squares(logs[:at]) + _squares(logs[at:])
    )
    early, late = [[window.p50_s for window in part] for part in (windows[:split], windows[split:])]
    before, after = percentile(early, 50), percentile(late, 50)
    if after < LEAST_RISE * before or percentile(late, 100 * (1 - APART)) <= percentile(early, 100 * APART):
        return None
    while split > LEAST_WINDOWS and windows[split - 1].p50_s > percentile(early[: split - 1], 100 * APART):
        split -= 1  # a slope that led to the later level
    before, after = percentile(early[:split], 50), percentile([window.p50_s for window in windows[split:]], 50)
    throttled, words = _seen(windows[:split], windows[split:])
    return Knee(at_s=windows[split].start_s, before_s=before, after_s=after, throttled=throttled, words=words)


def _squares(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values)


def _seen(early: Sequence[Window], late: Sequence[Window]) -> tuple[bool | None, str]:
    """Whether a frequency fell, and what temperature and frequencies did."""
    words = []
    warm = _both([window.temperature_k for window in early], [window.temperature_k for window in late])
    if warm is not None:
        words.append(f"{warm[0] - 273.15:.1f} to {warm[1] - 273.15:.1f} °C")
    names = dict.fromkeys(name for window in (*early, *late) for name in window.frequency_hz)
    pairs = {
        name: _both(
            [window.frequency_hz.get(name) for window in early], [window.frequency_hz.get(name) for window in late]
        )
        for name in names
    }
    known = {name: pair for name, pair in pairs.items() if pair is not None}
    fell = {name: pair for name, pair in known.items() if pair[1] <= LEAST_FALL * pair[0]}
    words += [f"{name} CPUs {then / 1e6:.0f} to {now / 1e6:.0f} MHz" for name, (then, now) in fell.items()]
    if not known:
        return None, "; ".join(
            [*words, "the device does not tell CPU frequencies, so that it may be heat or other work"]
        )
    if not fell:
        words.append("no CPU frequency fell: it is other work, or a limit that the device does not tell")
    return bool(fell), "; ".join(words)


def _both(early: Sequence[float | None], late: Sequence[float | None]) -> tuple[float, float] | None:
    """Means of either side; None where one of them has none."""
    then, now = (_mean([value for value in side if value is not None]) for side in (early, late))
    return None if then is None or now is None else (then, now)


def _window(
    number: int,
    window_s: float,
    latencies: Sequence[float],
    looks: Sequence[Look],
    groups: Sequence[CoreGroup],
) -> Window:
    start = number * window_s
    within = [look for look in looks if start <= look.at_s < start + window_s]
    frequencies = {
        group.name: _mean([hertz for look in within for hertz in _of(group, look.hertz)]) for group in groups
    }
    return Window(
        start_s=start,
        inferences=len(latencies),
        p50_s=percentile(latencies, 50),
        temperature_k=_mean([look.temperature_k for look in within if look.temperature_k is not None]),
        frequency_hz={name: hertz for name, hertz in frequencies.items() if hertz is not None},
    )


def _of(group: CoreGroup, hertz: Mapping[str, float]) -> list[float]:
    return [hertz[f"cpu{cpu}"] for cpu in group.cpus if f"cpu{cpu}" in hertz]


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
