"""Samples of powermetrics in both forms: millijoules an interval, not watts."""

import plistlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.errors import UnreadableOutputError
from profilers.parse.apple.powermetrics import PlistStream, parse_plist


def plist(**values: object) -> bytes:
    return plistlib.dumps(values)


def test_energy_is_of_the_interval() -> None:
    """1,500 mJ in half a second are 1.5 J, whatever the interval."""
    sample = parse_plist(
        plist(elapsed_ns=500_000_000, processor={"cpu_energy": 1500, "gpu_energy": 0, "ane_energy": 500})
    )
    assert sample.elapsed_s == 0.5
    assert sample.soc_joules == pytest.approx(2.0)


def test_power_becomes_energy_where_there_is_no_energy() -> None:
    sample = parse_plist(plist(elapsed_ns=2_000_000_000, processor={"combined_power": 1000.0}))
    assert sample.soc_joules == pytest.approx(2.0)


def test_a_missing_rail_is_not_zero() -> None:
    """Without the Neural Engine's figure there is no sum."""
    sample = parse_plist(plist(elapsed_ns=1, processor={"cpu_energy": 1, "gpu_energy": 1}))
    assert sample.soc_joules is None


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=5), st.integers(1, 50))
def test_stream_is_cut_at_nul_bytes_wherever_it_is_read(elapsed: list[int], size: int) -> None:
    """The pieces that the pipe gives do not matter; a document that has not ended is not a sample."""
    data = b"\0".join(plist(elapsed_ns=value) for value in elapsed)
    stream = PlistStream()
    found = [sample for start in range(0, len(data), size) for sample in stream.feed(data[start : start + size])]
    last = stream.close()
    assert [sample.elapsed_s for sample in (*found, last) if sample] == [value / 1e9 for value in elapsed]
    cut = PlistStream()
    list(cut.feed(data[:-20]))
    assert cut.close() is None


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableOutputError):
        parse_plist(data)


ODD = st.integers(-5, 5) | st.floats() | st.text(max_size=3, alphabet="abc")
RAILS = st.dictionaries(st.sampled_from(["cpu_energy", "gpu_power"]), st.floats() | st.text(max_size=2, alphabet="ab"))


@given(st.dictionaries(st.sampled_from(["elapsed_ns", "processor", "thermal_pressure"]), ODD | RAILS))
def test_odd_values_invent_nothing(values: dict[str, object]) -> None:
    """A rail whose figure is not a number is missing."""
    try:
        sample = parse_plist(plistlib.dumps(values))
    except UnreadableOutputError:
        return
    assert sample.elapsed_s > 0
    assert all(joules >= 0 for joules in sample.joules.values())


def test_captured_property_lists(shared: Path) -> None:
    folder = shared / "fixtures/powermetrics"
    sample = parse_plist((folder / "osquery_socpower.plist").read_bytes())
    assert sample.soc_joules == pytest.approx(10.0943 * 3.01730475)
    thermal = parse_plist((folder / "osquery_thermalthrottling.plist").read_bytes())
    assert (thermal.thermal_pressure, thermal.soc_joules) == ("Nominal", None)
    with pytest.raises(UnreadableOutputError, match="elapsed_ns"):
        parse_plist((folder / "osquery_energyimpact.plist").read_bytes())
