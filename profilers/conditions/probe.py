"""The state of a device before, between and after runs: what makes readings comparable, or worthless."""

import re
from typing import NamedTuple

from device_harness.errors import CommandTimeoutError, UnreadableOutputError
from device_harness.protocol import Device
from profilers.parse.android.battery import BatteryState, parse_dumpsys_battery
from profilers.parse.android.thermal import ThermalState, parse_thermalservice
from profilers.plan import ProfilePlan
from profilers.watch.monitor import GOVERNOR_FILES, LIMIT_FILES, ZONE_FILES, read_first_lines

DUMP_LIMIT_S = 15.0
# Thermal zones that are switched off report 0, negative values or nonsense.
PLAUSIBLE_MILLIDEGREES = r"1?\d{4,5}"


class Conditions(NamedTuple):
    """A look at the device; None or empty where it does not tell.

    Attributes:
        thermal: Android's thermal service.
        battery: Android's battery service.
        zones_k: kernel thermal zones in kelvins by path.
        limits_hz: highest allowed frequency of each CPU by path.
        governors: CPU frequency governors in use.
        screen_on: whether the display is on.
        untold: what could not be read, and why.
    """

    thermal: ThermalState | None
    battery: BatteryState | None
    zones_k: dict[str, float]
    limits_hz: dict[str, float]
    governors: tuple[str, ...]
    screen_on: bool | None
    untold: tuple[str, ...]

    @property
    def temperature_k(self) -> float | None:
        """What cool-down waits for: the skin, else the battery, else the hottest CPU sensor or thermal zone."""
        if self.thermal is not None:
            for kind in ("skin", "battery", "cpu"):
                value = self.thermal.hottest(kind)
                if value is not None:
                    return value
        return max(self.zones_k.values(), default=None)


def look(device: Device, *, android: bool) -> Conditions:
    """Read the conditions now."""
    untold: list[str] = []
    thermal = battery = screen = None
    if android:
        try:
            thermal = parse_thermalservice(_dump(device, "thermalservice"))
        except (UnreadableOutputError, CommandTimeoutError) as error:
            untold.append(f"thermal state: {error}")
        try:
            battery = parse_dumpsys_battery(_dump(device, "battery"))
        except (UnreadableOutputError, CommandTimeoutError) as error:
            untold.append(f"battery: {error}")
        screen = _screen(device)
    texts = read_first_lines(device, [ZONE_FILES, LIMIT_FILES, GOVERNOR_FILES])
    return Conditions(
        thermal=thermal,
        battery=battery,
        zones_k={
            path: int(text) / 1e3 + 273.15
            for path, text in texts.items()
            if path.endswith("/temp") and re.fullmatch(PLAUSIBLE_MILLIDEGREES, text)
        },
        limits_hz={
            path: float(text) * 1e3 for path, text in texts.items() if path.endswith("_max_freq") and text.isdigit()
        },
        governors=tuple(sorted({text for path, text in texts.items() if path.endswith("_governor")})),
        screen_on=screen,
        untold=tuple(untold),
    )


def problems_before(conditions: Conditions, plan: ProfilePlan) -> list[str]:
    """Why readings taken now would not be representative; empty when nothing speaks against them."""
    found = []
    if conditions.thermal is not None and conditions.thermal.status > 0:
        found.append(f"the device is throttling already (thermal status {conditions.thermal.status})")
    battery = conditions.battery
    if battery is not None and battery.level is not None:
        low, high = plan.battery_percent
        if not low <= battery.level * 100 <= high:
            found.append(f"the battery is at {battery.level:.0%}, outside {low:g} to {high:g} %")
    if battery is not None and battery.charging:
        found.append(f"it is charging ({', '.join(battery.powered_by) or battery.status})")
    if battery is not None and battery.stopped:
        found.append("battery values are frozen (`dumpsys battery unplug` was used): run `dumpsys battery reset`")
    if conditions.screen_on:
        found.append("the screen is on")
    if "powersave" in conditions.governors:
        found.append("the CPU frequency governor is powersave")
    return [*found, *(f"not checked: {words}" for words in conditions.untold)]


def throttled(before: Conditions, after: Conditions) -> str | None:
    """Why a run between these two looks must be rejected, or None."""
    if before.thermal is not None and after.thermal is not None and after.thermal.status > before.thermal.status:
        return f"the thermal status rose from {before.thermal.status} to {after.thermal.status}"
    for path, limit in before.limits_hz.items():
        now = after.limits_hz.get(path, limit)
        if now < limit:
            cpu = re.search(r"cpu\d+", path)
            return f"{cpu[0] if cpu else path} was limited from {limit / 1e6:.0f} to {now / 1e6:.0f} MHz"
    return None


def _dump(device: Device, service: str) -> str:
    return device.run(["dumpsys", service], timeout_s=DUMP_LIMIT_S).text


def _screen(device: Device) -> bool | None:
    try:
        text = _dump(device, "power")
    except CommandTimeoutError:
        return None
    match = re.search(r"mWakefulness=(\w+)", text)
    return match[1] in ("Awake", "Dreaming") if match else None
