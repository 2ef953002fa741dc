"""Thermal state: ``dumpsys thermalservice``, the vendor's HAL dump of Pixels."""

import math
import re

from device_harness.errors import UnreadableOutputError
from device_harness.frozen import Frozen

KINDS = {
    0: "cpu",
    1: "gpu",
    2: "battery",
    3: "skin",
    4: "usb",
    5: "power amplifier",
    6: "bcl voltage",
    7: "bcl current",
    8: "bcl percentage",
    9: "npu",
}
TEMPERATURE_KINDS = {"cpu", "gpu", "battery", "skin", "usb", "power amplifier", "npu"}
_SENSOR = re.compile(r"Temperature\{mValue=([-\w.]+), mType=(-?\d{1,4}), mName=(.*?), mStatus=(\d{1,2})\}")


class Sensor(Frozen):
    """One sensor; `value_k` is in kelvins. `status` is Android's throttling severity, 0 (none) to 6 (shutdown)."""

    name: str
    kind: str
    value_k: float
    status: int


class ThermalState(Frozen):
    """The system's thermal status (0 none .. 6 shutdown) and its temperature sensors.

    Attributes:
        cached: whether the sensors are the service's last values because the HAL gave none.
    """

    status: int
    sensors: tuple[Sensor, ...]
    cached: bool = False

    def hottest(self, kind: str) -> float | None:
        """The highest temperature of a kind of sensors, in kelvins."""
        return max((sensor.value_k for sensor in self.sensors if sensor.kind == kind), default=None)


def parse_thermalservice(text: str) -> ThermalState:
    """The status, and the temperatures that the HAL reports now (cached ones only when it reports none).

    Sensors without a number or a status, at exactly 0 degrees (not connected), and counters of other quantities
    (voltages, percentages) are left out.

    Raises:
        UnreadableOutputError: no thermal status.
    """
    status = re.search(r"^\s*Thermal Status: (\d)\b", text, flags=re.MULTILINE)
    if status is None or int(status[1]) > 6:
        raise UnreadableOutputError("not the output of `dumpsys thermalservice`: there is no thermal status")
    current = text.partition("Current temperatures from HAL:")[2].partition("Current cooling devices")[0]
    cached = text.partition("Cached temperatures:")[2].partition("HAL Ready")[0]
    sensors = _sensors(current)
    return ThermalState(status=int(status[1]), sensors=sensors or _sensors(cached), cached=not sensors)


def _sensors(block: str) -> tuple[Sensor, ...]:
    found = []
    for value, kind_number, name, status in _SENSOR.findall(block):
        kind = KINDS.get(int(kind_number), "unknown")
        degrees = _degrees(value)
        if degrees is not None and degrees != 0 and kind in TEMPERATURE_KINDS:
            found.append(Sensor(name=name, kind=kind, value_k=degrees + 273.15, status=int(status)))
    return tuple(found)


def _degrees(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and -100 < value < 300 else None
