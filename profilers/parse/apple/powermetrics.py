"""Samples of `powermetrics`: its stream of property lists, separated by NUL bytes.

In the property list ``processor.{cpu,gpu,ane}_energy`` are millijoules of the interval, and ``*_power`` milliwatts;
dividing the first by 1000 gives watts only when the interval is one second. Energy is preferred; where a version has
only power, the energy is power x elapsed time, which is the same figure before rounding.
"""

import math
import plistlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError

from device_harness.errors import UnreadableOutputError

RAILS = ("cpu", "gpu", "ane")


@dataclass(frozen=True)
class PowerSample:
    """One interval.

    Attributes:
        elapsed_s: its length.
        joules: energy by rail (``cpu``, ``gpu``, ``ane``, and ``dram``, ``package``, ``combined`` where given).
        thermal_pressure: ``Nominal``, ``Moderate``, ``Heavy``, ``Trapping`` or ``Sleeping``; None when not sampled.
    """

    elapsed_s: float
    joules: dict[str, float]
    thermal_pressure: str | None

    @property
    def soc_joules(self) -> float | None:
        """CPU, GPU and Neural Engine together, as the tool sums them or summed here; None when one is missing."""
        if "combined" in self.joules:
            return self.joules["combined"]
        if all(rail in self.joules for rail in RAILS):
            return sum(self.joules[rail] for rail in RAILS)
        return None


class PlistStream:
    """Cuts a growing stream into property lists; `rest` is what has not ended yet."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[PowerSample]:
        """The samples that `data` completes.

        Raises:
            UnreadableOutputError: a complete part is not a property list of powermetrics.
        """
        *whole, self.rest = (self.rest + data).split(b"\0")
        for part in whole:
            if part.strip():
                yield parse_plist(part)

    def close(self) -> PowerSample | None:
        """The last sample, which no NUL byte follows; None when the stream ended in the middle of one."""
        rest, self.rest = self.rest.strip(), b""
        return parse_plist(rest) if rest.endswith(b"</plist>") else None


def parse_plist(content: bytes) -> PowerSample:
    """One sample.

    Raises:
        UnreadableOutputError: not a property list of powermetrics with `elapsed_ns`.
    """
    try:
        document = plistlib.loads(content.strip(b"\0\r\n\t "), fmt=plistlib.FMT_XML)
    except (
        plistlib.InvalidFileException,
        ExpatError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise UnreadableOutputError(f"powermetrics wrote something that is not a property list ({error}).") from error
    if not isinstance(document, dict):
        raise UnreadableOutputError("powermetrics wrote a property list that is not a dictionary.")
    elapsed_ns = _number(document, "elapsed_ns")
    if elapsed_ns is None or elapsed_ns <= 0:
        raise UnreadableOutputError("powermetrics wrote a sample without elapsed_ns: its length is not known.")
    elapsed_s = elapsed_ns / 1e9
    processor = document.get("processor")
    pressure = document.get("thermal_pressure")
    return PowerSample(
        elapsed_s=elapsed_s,
        joules=_plist_joules(processor, elapsed_s) if isinstance(processor, dict) else {},
        thermal_pressure=pressure if isinstance(pressure, str) else None,
    )


def _plist_joules(processor: dict[str, Any], elapsed_s: float) -> dict[str, float]:
    joules = {}
    for rail in (*RAILS, "dram", "package", "combined"):
        energy, power = _number(processor, f"{rail}_energy"), _number(processor, f"{rail}_power")
        if energy is not None:
            joules[rail] = energy / 1e3
        elif power is not None:
            joules[rail] = power / 1e3 * elapsed_s
    return joules


def _number(document: dict[str, Any], key: str) -> float | None:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
