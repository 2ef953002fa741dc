"""Sizes, durations and energies as people write them, to SI numbers and back."""

import re
from fractions import Fraction

from exporter.data.errors import UsageProblem

_DECIMAL_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}
SIZE_UNITS = _DECIMAL_UNITS | {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
SPAN_UNITS: dict[str, float] = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
ENERGY_UNITS = {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6}

_PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")


def parse_size(text: str) -> int:
    """Bytes of a size such as ``4 MB`` (decimal) or ``4 MiB`` (binary); fractions of a byte are refused."""
    number, unit = _split(text, SIZE_UNITS, "4 MB or 4 MiB")
    from decimal import Decimal

    size = Decimal(number) * SIZE_UNITS[unit]
    if size != int(size):
        raise UsageProblem(f"{text!r} is not a whole number of bytes.")
    return int(size)


def parse_time(text: str) -> float:
    """Seconds of a duration such as ``10 ms``."""
    number, unit = _split(text, TIME_UNITS, "10 ms")
    return float(number) * TIME_UNITS[unit]


def parse_span(text: str) -> float:
    """Seconds of a time that a person waits for, such as ``30 min`` or ``30m``."""
    number, unit = _split(text, SPAN_UNITS, "30 min")
    return float(number) * SPAN_UNITS[unit]


def parse_energy(text: str) -> float:
    """Joules of an energy such as ``3 mJ``."""
    number, unit = _split(text, ENERGY_UNITS, "3 mJ")
    return float(number) * ENERGY_UNITS[unit]


def parse_percent(text: str) -> Fraction:
    """Exact share of 1 of a percentage such as ``1.5 %``; a bare number is refused, as it may be meant as a ratio."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise UsageProblem(f"{text!r} is not a percentage: write '1 %'. A bare number could be a ratio or a percent.")
    return Fraction(match[1]) / 100


def _split(text: str, units: dict[str, int] | dict[str, float], example: str) -> tuple[str, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in units:
        raise UsageProblem(f"{text!r} is not a quantity with a unit: write {example} (units: {', '.join(units)}).")
    return match[1], match[2]


def format_size(size_bytes: float) -> str:
    """Decimal units with three significant digits and more, for people; exact figures are in the JSON."""
    if abs(size_bytes) < 1000:
        return f"{size_bytes:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size_bytes /= 1000
        if abs(size_bytes) < 999.995 or unit == "GB":
            break
    return f"{size_bytes:.2f} {unit}"


def format_bytes(size_bytes: float) -> str:
    """Every digit of a size, for a figure that rounding would make look like another."""
    return f"{size_bytes:,.0f} B"


def format_change(change_bytes: int, before_bytes: int | None = None) -> str:
    """A signed change in bytes and, against a size before that is not zero, in percent: ``+1.20 kB (+0.4 %)``."""
    text = f"{'+' if change_bytes >= 0 else '-'}{format_size(abs(change_bytes))}"
    if not before_bytes:
        return text
    return f"{text} ({format_percent(Fraction(change_bytes, before_bytes), sign=True)})"


def format_percent(share: Fraction, *, sign: bool = False) -> str:
    """A share of 1 as a percentage, rounded to three significant digits."""
    percent = float(share) * 100
    plus = "+" if sign else ""
    return f"{percent:{plus}.3g} %" if abs(percent) < 999.5 else f"{percent:{plus},.0f} %"


def format_time(seconds: float) -> str:
    """Seconds, milliseconds or microseconds, whichever reads best."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if abs(seconds) >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def format_age(seconds: float) -> str:
    """Seconds, minutes, hours or days, whole; at least a second."""
    for unit, length_s in (("day", 86400), ("h", 3600), ("min", 60)):
        count = int(seconds // length_s)
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{max(1, round(seconds))} s"
