"""Lines of pymobiledevice3's `battery monitor`.

Read in the source of pymobiledevice3 11.45: one JSON object a line; a key that the device does not report is null.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from device_harness.apple.documents import Document, read_document
from device_harness.errors import UnreadableOutputError

ZERO_CELSIUS_K = 273.15


@dataclass(frozen=True)
class BatterySample:
    """The battery at one moment; None where the device did not tell.

    Attributes:
        current_a: positive while discharging (the device reports it negative).
        temperature_k: of the battery.
        charge: share of the full charge in [0, 1].
    """

    current_a: float | None
    voltage_v: float | None
    temperature_k: float | None
    charging: bool | None
    charge: float | None

    @property
    def power_w(self) -> float | None:
        """Power drawn from the battery; None when current or voltage is missing."""
        if self.current_a is None or self.voltage_v is None:
            return None
        return self.current_a * self.voltage_v


def parse_battery_lines(output: str) -> tuple[BatterySample, ...]:
    """Samples in order; a last line without its line break is passed over, because it may be cut.

    Raises:
        UnreadableOutputError: a line that is not such an object.
    """
    return tuple(_battery(line) for line in _documents(output, "pymobiledevice3 diagnostics battery monitor"))


def _battery(line: Document) -> BatterySample:
    if not {"InstantAmperage", "Voltage"} <= line.keys():
        raise UnreadableOutputError("pymobiledevice3 wrote a line without InstantAmperage and Voltage.")
    milliamps, millivolts = _milliamps(line), _finite(line, "Voltage")
    hundredths, percent = _finite(line, "Temperature"), _finite(line, "CurrentCapacity")
    charging = line.get("IsCharging")
    return BatterySample(
        current_a=None if milliamps is None else -milliamps / 1e3,
        voltage_v=None if millivolts is None or millivolts <= 0 else millivolts / 1e3,
        temperature_k=None if hundredths is None else hundredths / 100 + ZERO_CELSIUS_K,
        charging=charging if isinstance(charging, bool) else None,
        charge=percent / 100 if percent is not None and 0 <= percent <= 100 else None,
    )


def _milliamps(line: Document) -> float | None:
    """IORegistry gives a negative current as an unsigned 64-bit number on some systems."""
    value = line["InstantAmperage"]
    if isinstance(value, int) and 2**63 <= value < 2**64:
        return float(value - 2**64)
    return _finite(line, "InstantAmperage")


def _finite(line: Document, key: str) -> float | None:
    value = line.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _documents(output: str, tool: str) -> Iterator[Document]:
    for line in output.split("\n")[:-1]:
        if line.strip():
            yield read_document(line, tool)
