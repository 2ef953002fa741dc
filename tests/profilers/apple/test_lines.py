"""The battery's lines of pymobiledevice3."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.errors import UnreadableOutputError
from profilers.parse.apple.telemetry import parse_battery_lines

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


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


@given(st.text(max_size=200) | st.lists(JSON).map(lambda values: "".join(json.dumps(value) + "\n" for value in values)))
def test_any_lines_are_refused_or_empty(text: str) -> None:
    """No crash and no sample out of nothing."""
    with contextlib.suppress(UnreadableOutputError):
        assert parse_battery_lines(text) == () or '"' in text


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
