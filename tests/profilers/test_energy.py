"""Energy arithmetic: above idle, only when the meter covers it, never when the repeats disagree."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilers.meters.energy import (
    EnergyTrace,
    LoadWindow,
    energy_between,
    energy_per_inference,
    integrate_power,
    refusal,
)
from profilers.meters.gauge import Gauge, gauge_trace
from profilers.meters.iio import odpm_trace
from profilers.meters.perfetto import rails_trace
from profilers.meters.rapl import rapl_trace
from profilers.parse.android.rails import RailSample
from profilers.parse.linux.sampler import Sample, parse_samples


def steps(powers: list[tuple[float, float]], interval_s: float = 0.1) -> EnergyTrace:
    """A meter over phases of (seconds, watts)."""
    times, joules = [0.0], [5.0]
    for seconds, watts in powers:
        for _ in range(round(seconds / interval_s)):
            times.append(times[-1] + interval_s)
            joules.append(joules[-1] + watts * interval_s)
    return EnergyTrace(tuple(times), tuple(joules))


def test_energy_above_idle() -> None:
    """(energy under load - idle power x time) / inferences; the idle power is that around each load."""
    trace = steps([(10, 1.0), (10, 3.0), (10, 1.0), (10, 3.0), (10, 1.0)])
    idle = [(1, 9), (21, 29), (41, 49)]
    result = energy_per_inference(trace, idle, [LoadWindow(10, 20, 100), LoadWindow(30, 40, 100)])
    assert result.refused is None
    assert result.joules == pytest.approx((0.2, 0.2))
    assert result.idle_watts == pytest.approx((1, 1, 1))


def test_drifting_idle_power_is_followed() -> None:
    """A device that warms up draws more at idle: each load has its own baseline."""
    trace = steps([(10, 1.0), (10, 3.0), (10, 1.2), (10, 3.2), (10, 1.2)])
    result = energy_per_inference(
        trace, [(1, 9), (21, 29), (41, 49)], [LoadWindow(10, 20, 100), LoadWindow(30, 40, 100)]
    )
    assert result.joules == pytest.approx((0.19, 0.2))


@pytest.mark.parametrize(
    ("joules", "words"),
    [
        ((0.1,), "one repeat"),
        ((0.1, -0.1), "not above the idle"),
        ((0.1, 0.2, 0.1), "vary by"),
        ((0.1, 0.101, 0.1), None),
    ],
)
def test_refusals(joules: tuple[float, ...], words: str | None) -> None:
    """No figure without spread, above idle, and within 10 %."""
    reason = refusal(joules)
    assert reason is None if words is None else reason is not None and words in reason


def test_meter_must_cover_the_window() -> None:
    """No extrapolation, and no interpolation over long gaps."""
    trace = EnergyTrace((0.0, 1.0, 2.0, 8.0, 9.0), (0.0, 1.0, 2.0, 8.0, 9.0))
    for window, words in (
        ((-1.0, 1.0), "cover"),
        ((5.0, 10.0), "cover"),
        ((1.0, 9.0), "silent"),
        ((2.0, 2.0), "length"),
    ):
        with pytest.raises(ValueError, match=words):
            energy_between(trace, *window)


@given(st.floats(0.1, 10), st.floats(0.01, 0.3), st.floats(0.7, 0.99))
def test_constant_power(watts: float, start: float, end: float) -> None:
    """Power times time, wherever the window lies between samples."""
    trace = integrate_power([second / 20 for second in range(21)], [watts] * 21)
    assert energy_between(trace, start, end) == pytest.approx(watts * (end - start))


def test_power_needs_ascending_times() -> None:
    """Two samples at one time have no power between them."""
    with pytest.raises(ValueError, match="ascend"):
        integrate_power([0, 1, 1], [1, 1, 1])


def gauge(raw: float, *, counter_a: float = 0.5, count: int = 61, flip: bool = False) -> Gauge:
    """A minute at 4 V; the charge counter falls by `counter_a` amperes."""
    times = tuple(float(second) for second in range(count))
    currents = tuple(-raw if flip and second == 5 else raw for second in range(count))
    return Gauge(times, currents, (4.0,) * count, tuple(9000 - counter_a * second for second in range(count)))


@pytest.mark.parametrize("raw", [500_000, -500_000, 500, -500])
def test_gauge_of_any_unit_and_sign(raw: float) -> None:
    """µA and mA, positive and negative while discharging: half an ampere at 4 V is 2 W."""
    trace = gauge_trace(gauge(raw))
    assert energy_between(trace, 0, 60) == pytest.approx(120)


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (gauge(500_000, counter_a=0.1), "contradicts itself"),
        (gauge(500_000, counter_a=0.01), "too little"),
        (gauge(500_000, flip=True), "changes sign"),
        (gauge(0), "no current"),
        (gauge(500_000, count=5), "at least 10"),
        (gauge(500_000)._replace(charge_c=()), "no charge counter"),
    ],
)
def test_gauge_that_cannot_be_trusted(reading: Gauge, words: str) -> None:
    """Refused with the reason; the counter must agree with the current."""
    with pytest.raises(ValueError, match=words):
        gauge_trace(reading)


def test_rapl_goes_on_after_its_range() -> None:
    """The counter starts again from 0; two packages add up."""
    a, b = "/sys/class/powercap/intel-rapl:0/energy_uj", "/sys/class/powercap/intel-rapl:1/energy_uj"
    limits = {a.replace("energy_uj", "max_energy_range_uj"): "1000000\n"}
    limits |= {b.replace("energy_uj", "max_energy_range_uj"): "1000000\n"}
    samples = [
        Sample(float(at), {a: f"{first}\n", b: f"{second}\n", **limits})
        for at, (first, second) in enumerate([(900_000, 0), (100_000, 50_000), (300_000, 100_000)])
    ]
    assert rapl_trace(samples).joules == pytest.approx((0, 0.25, 0.5))
    with pytest.raises(ValueError, match="could not be read"):
        rapl_trace([*samples, Sample(3.0, {a: "", b: "1\n", **limits})])


def test_odpm_adds_the_rails_that_are_always_there() -> None:
    """A rail that comes and goes would make a step."""
    texts = ["CH0(T=1)[A], 1000000\nCH1(T=1)[B], 2000000\n", "CH0(T=2)[A], 1500000\n"]
    trace = odpm_trace([Sample(100.0 + at, {"/iio": text}) for at, text in enumerate(texts)])
    assert trace.joules == pytest.approx((1.0, 1.5))


def test_rails_of_different_times_are_added_on_common_time() -> None:
    """Interpolated; nothing outside what all rails cover."""
    rails = {
        "A": (RailSample(0, 0), RailSample(10, 10)),
        "B": (RailSample(2, 0), RailSample(8, 12)),
        "C": (RailSample(1, 7),),
    }
    trace = rails_trace(rails)
    assert (trace.times_s[0], trace.times_s[-1]) == (2, 8)
    assert trace.joules[-1] - trace.joules[0] == pytest.approx(6 + 12)


def test_sampler_blocks() -> None:
    """The last block may be cut off, and is left out; noise before the first is skipped."""
    text = "noise\n@1.50\n#/a\n1\n2\n#/b\n@2.00\n#/a\n3\n@2.50\n#/a\n"
    assert parse_samples(text) == (Sample(1.5, {"/a": "1\n2\n", "/b": ""}), Sample(2.0, {"/a": "3\n"}))


@given(st.text(alphabet="@#/ab.0123456789\n", max_size=200))
def test_sampler_takes_any_text(text: str) -> None:
    """No text crashes it."""
    assert all(math.isfinite(sample.time_s) for sample in parse_samples(text))
