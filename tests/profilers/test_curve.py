"""A sustained run's curve: where its knee is told, where none is, and what is said to be behind it."""

from collections.abc import Sequence

import pytest

from profilers.curve import Look, curve_of
from profilers.readings import CoreGroup

BIG = (CoreGroup(name="big", cpus=(0,)),)


def run(*phases: tuple[float, float]) -> list[float]:
    """Latencies of phases of so many seconds each, at so many seconds an inference, with 2 % of ripple."""
    ripple = (0.99, 1.0, 1.01)
    counts = [(round(seconds / latency), latency) for seconds, latency in phases]
    return [latency * ripple[number % 3] for count, latency in counts for number in range(count)]


def looks(frequencies: Sequence[float], kelvins: Sequence[float] = ()) -> list[Look]:
    """One a second."""
    return [
        Look(float(at), kelvins[at] if kelvins else None, {"cpu0": hertz} if hertz else {})
        for at, hertz in enumerate(frequencies)
    ]


def test_throttling_is_told_when_it_began_and_with_what_fell() -> None:
    heat = [300.0 + at / 10 for at in range(120)]
    found = curve_of(run((50, 0.01), (70, 0.014)), looks([2e9] * 50 + [1.4e9] * 70, heat), BIG)
    assert found.knee is not None
    assert found.knee.at_s == pytest.approx(50, abs=found.window_s)
    assert found.knee.after_s / found.knee.before_s == pytest.approx(1.4, rel=0.03)
    assert found.knee.throttled is True
    assert "big CPUs 2000 to 1400 MHz" in found.knee.words
    assert "°C" in found.knee.words


def test_a_slope_begins_where_it_begins() -> None:
    """And not where it is half over."""
    slope = tuple((2, 0.01 * (1 + step / 50)) for step in range(1, 31))
    found = curve_of(run((60, 0.01), *slope), (), BIG)
    assert found.knee is not None
    assert found.knee.at_s == pytest.approx(60, abs=3 * found.window_s)


def test_slower_at_a_frequency_that_stays_is_no_throttling() -> None:
    found = curve_of(run((50, 0.01), (70, 0.014)), looks([2e9] * 120), BIG)
    assert found.knee is not None
    assert found.knee.throttled is False
    assert "other work" in found.knee.words


def test_without_frequencies_nobody_says_why() -> None:
    found = curve_of(run((50, 0.01), (70, 0.014)), looks([0] * 120), BIG)
    assert found.knee is not None
    assert found.knee.throttled is None


@pytest.mark.parametrize(
    "phases",
    [
        ((120, 0.01),),
        ((50, 0.01), (70, 0.0103)),
        ((50, 0.01), (4, 0.05), (66, 0.01)),
        ((30, 0.01), (30, 0.014), (30, 0.01), (30, 0.014)),
        ((4, 0.01),),
    ],
    ids=["steady", "within 5 %", "one disturbance", "to and fro", "too short"],
)
def test_no_knee(phases: tuple[tuple[float, float], ...]) -> None:
    """Only what stays slower is one."""
    assert curve_of(run(*phases), (), BIG).knee is None


def test_windows_are_where_inferences_began() -> None:
    """A pause between inferences, as of a busy machine, makes the run longer and no inference slower."""
    starts = [0.0, 0.5, 1.0, 5.0, 5.5]
    found = curve_of([0.1] * 5, (), BIG, starts)
    assert [(window.start_s, window.inferences) for window in found.windows] == [(0.0, 2), (1.0, 1), (5.0, 2)]
    assert found.length_s == pytest.approx(5.6)
