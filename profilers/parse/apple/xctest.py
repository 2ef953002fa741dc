"""The ``measured [...]`` line that XCTest prints for a performance test."""

import math
import re
from dataclasses import dataclass

from device_harness.errors import UnreadableOutputError

_LINE = re.compile(
    r"Test Case '(?P<test>[^'\n]*)' measured \[(?P<metric>[^\],\n]+), (?P<unit>[^\]\n]+)\] average: [^,\n]*, "
    r"relative standard deviation: [^,\n]*, values: \[(?P<values>[^\]\n]*)\], "
    r"performanceMetricID:(?P<identifier>[^,\s]+)"
)
_FACTORS = {"s": ("s", 1.0), "ms": ("s", 1e-3), "kB": ("B", 1e3), "B": ("B", 1.0), "kC": ("1", 1e3), "kI": ("1", 1e3)}


@dataclass(frozen=True)
class MeasuredLine:
    """One metric of one test: raw values in the SI unit `unit` (cycles and instructions are plain counts)."""

    test: str
    metric: str
    identifier: str
    unit: str
    values: tuple[float, ...]


def parse_measured(output: str) -> tuple[MeasuredLine, ...]:
    """Every such line in the output of `xcodebuild test`.

    Raises:
        UnreadableOutputError: a line with values that are not numbers, or of a unit that is not known.
    """
    return tuple(_measured(match) for match in _LINE.finditer(output))


def _measured(match: re.Match[str]) -> MeasuredLine:
    if match["unit"] not in _FACTORS:
        raise UnreadableOutputError(f"XCTest measured {match['metric']} in {match['unit']}, a unit that is not known.")
    unit, factor = _FACTORS[match["unit"]]
    try:
        values = tuple(float(value) * factor for value in match["values"].split(","))
    except ValueError as error:
        raise UnreadableOutputError(f"XCTest's values of {match['metric']} are not numbers ({error}).") from error
    if not all(math.isfinite(value) for value in values):
        raise UnreadableOutputError(f"XCTest's values of {match['metric']} are not finite.")
    return MeasuredLine(match["test"], match["metric"], match["identifier"], unit, values)
