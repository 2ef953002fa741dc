"""XCTest's measured line, MetricKit payloads, and the lines of pymobiledevice3 and pyidevice."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.errors import UnreadableOutputError
from profilers.parse.apple.metrickit import parse_payload, parse_quantity
from profilers.parse.apple.telemetry import parse_battery_lines, parse_process_lines, parse_pyidevice_battery
from profilers.parse.apple.xctest import parse_measured

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_measured_line(shared: Path) -> None:
    """Raw values, not the rounded average."""
    (line,) = parse_measured((shared / "fixtures/ios/xctest_measured_line.txt").read_text())
    assert line.values == (0.005643, 0.004422, 0.004414, 0.004037, 0.003327)
    assert (line.unit, line.identifier) == ("s", "com.apple.dt.XCTMetric_Clock.time.monotonic")


@pytest.mark.parametrize(("unit", "values"), [("furlong", "1"), ("s", "1, two"), ("s", "inf"), ("s", "")])
def test_measured_line_that_cannot_be_told_is_refused(unit: str, values: str) -> None:
    line = (
        f"Test Case '-[A b]' measured [Clock, {unit}] average: 1, relative standard deviation: 0%, "
        f"values: [{values}], performanceMetricID:x"
    )
    with pytest.raises(UnreadableOutputError):
        parse_measured(line)


@given(st.text())
def test_any_text_has_no_measured_line(text: str) -> None:
    assert parse_measured(text) == ()


def test_metrickit_payload(shared: Path) -> None:
    payload = parse_payload((shared / "fixtures/ios/metrickit_xcode_simulated_payload_excerpt.json").read_bytes())
    assert payload.cpu_time is not None
    assert (payload.cpu_time.value, payload.cpu_time.unit) == (100, "s")
    signpost = payload.signposts["TestSignpostCategory2/TestSignpostName2"]
    assert signpost["cpu_time"].value == 50
    assert signpost["memory.mean"].value == 60e6


@pytest.mark.parametrize("written", ["60.000 kB ", "60,000 kB", "60 000 kB", "١٠٠ sec", "100", "NaN sec", "1e3 sec"])
def test_metrickit_numbers_of_other_locales_are_refused(written: str) -> None:
    """60,000 is sixty thousand in one country and sixty in another."""
    with pytest.raises(UnreadableOutputError, match="locale"):
        parse_quantity(written)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_no_payload(data: bytes) -> None:
    with pytest.raises(UnreadableOutputError):
        parse_payload(data)


BATTERY = (
    '{"InstantAmperage": -211, "Temperature": 3010, "Voltage": 4123, "IsCharging": false, "CurrentCapacity": 78}\n'
)


def test_battery_lines() -> None:
    """Milliamperes, hundredths of a degree, millivolts; discharging is positive; a cut last line is not read."""
    samples = parse_battery_lines(BATTERY + '{"InstantAmperage": null, "Voltage": null}\n' + BATTERY[:40])
    first, empty = samples
    assert first.power_w == pytest.approx(0.211 * 4.123)
    assert first.temperature_k == pytest.approx(303.25)
    assert (first.charging, first.charge) == (False, 0.78)
    assert (empty.power_w, empty.charging, empty.charge) == (None, None, None)


def test_battery_current_as_an_unsigned_number() -> None:
    (sample,) = parse_battery_lines(json.dumps({"InstantAmperage": 2**64 - 211, "Voltage": 4000}) + "\n")
    assert sample.current_a == pytest.approx(0.211)


def test_process_lines() -> None:
    """Percent of one core; processor time in nanoseconds; bytes."""
    line = {"pid": 7, "name": "CoreMLBench", "cpuUsage": 150.5, "cpuTotalUser": 10**9, "cpuTotalSystem": 5 * 10**8,
            "physFootprint": 4096, "timestamp": "2026-01-01T00:00:00+00:00"}  # fmt: skip
    (sample,) = parse_process_lines(json.dumps(line) + "\n")
    assert sample.cpu_utilization == pytest.approx(1.505)
    assert sample.cpu_time_s == pytest.approx(1.5)
    assert sample.footprint_bytes == 4096


@given(st.text(max_size=200) | st.lists(JSON).map(lambda values: "".join(json.dumps(value) + "\n" for value in values)))
def test_any_lines_are_refused_or_empty(text: str) -> None:
    """No crash and no sample out of nothing."""
    with pytest.raises(UnreadableOutputError):
        parse_pyidevice_battery(text)
    for parse in (parse_battery_lines, parse_process_lines):
        try:
            assert parse(text) == () or '"' in text
        except UnreadableOutputError:
            continue


@given(
    st.dictionaries(
        st.sampled_from(["InstantAmperage", "Voltage", "Temperature", "CurrentCapacity", "IsCharging"]), JSON
    )
)
def test_odd_battery_values_invent_nothing(values: dict[str, object]) -> None:
    try:
        (sample,) = parse_battery_lines(json.dumps(values) + "\n")
    except UnreadableOutputError:
        return
    if not isinstance(values["InstantAmperage"], int | float):
        assert sample.power_w is None
    assert sample.charge is None or 0 <= sample.charge <= 1


def test_pyidevice(shared: Path) -> None:
    """Its battery line is exact; its monitors are rounded for people and are refused."""
    text = (shared / "fixtures/ios/pyidevice_outputs.txt").read_text()
    (sample,) = parse_pyidevice_battery(text)
    assert sample.power_w == pytest.approx(0.30743)
    assert sample.temperature_k == pytest.approx(305.94)
    with pytest.raises(UnreadableOutputError, match="rounded"):
        parse_pyidevice_battery(text.split("#### device battery")[0])
