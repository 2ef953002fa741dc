"""Units are read once, exactly, and never mixed."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.data.units import SIZE_UNITS, format_size, format_time, parse_energy, parse_size, parse_time


@given(st.integers(0, 10**6), st.sampled_from(sorted(SIZE_UNITS)))
def test_whole_sizes_are_exact(number: int, unit: str) -> None:
    assert parse_size(f"{number} {unit}") == number * SIZE_UNITS[unit]


def test_decimal_and_binary_units_differ() -> None:
    assert parse_size("4 MB") == 4_000_000
    assert parse_size("4 MiB") == 4_194_304


@given(st.decimals(0, 999, places=3), st.sampled_from(["kB", "MB", "GB", "KiB", "MiB"]))
def test_fractions_are_exact_or_refused(number: Decimal, unit: str) -> None:
    size = number * SIZE_UNITS[unit]
    if size == int(size):
        assert parse_size(f"{number} {unit}") == size
    else:
        with pytest.raises(UsageProblem, match="whole number"):
            parse_size(f"{number} {unit}")


@pytest.mark.parametrize("text", ["4", "4 mb", "4 Mb", "MB", "", "-1 MB", "1e3 MB", "4 MB MB", "4 %"])
def test_a_size_without_a_known_unit_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem):
        parse_size(text)


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    with contextlib.suppress(UsageProblem):
        assert parse_size(text) >= 0


def test_times_and_energies_become_si() -> None:
    assert parse_time("10 ms") == pytest.approx(0.01)
    assert parse_energy("3 mJ") == pytest.approx(0.003)


def test_people_read_decimal_units() -> None:
    assert [format_size(size) for size in (999, 1000, 999_999, 4_194_304)] == ["999 B", "1.00 kB", "1.00 MB", "4.19 MB"]
    assert [format_time(time) for time in (2.5, 0.0034, 7.55e-6)] == ["2.5 s", "3.4 ms", "7.55 us"]
