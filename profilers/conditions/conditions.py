"""The state of a device at one time: what makes readings comparable, or worthless."""

import re
from typing import NamedTuple

from profilers.parse.android.battery import BatteryState
from profilers.parse.android.thermal import ThermalState
from profilers.plan import ProfilePlan


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

    thermal: ThermalState | None = None
    battery: BatteryState | None = None
    zones_k: dict[str, float] = {}
    limits_hz: dict[str, float] = {}
    governors: tuple[str, ...] = ()
    screen_on: bool | None = None
    untold: tuple[str, ...] = ()

    @property
    def temperature_k(self) -> float | None:
        """What cool-down waits for: the skin, else the battery, else the hottest CPU sensor or thermal zone."""
        if self.thermal is not None:
            for kind in ("skin", "battery", "cpu"):
                value = self.thermal.hottest(kind)
                if value is not None:
                    return value
        return max(self.zones_k.values(), default=None)


def problems_before(conditions: Conditions, plan: ProfilePlan) -> list[str]:
    """Why readings taken now would not be representative; empty when nothing speaks against them."""
    found = []
    if conditions.thermal is not None and conditions.thermal.status > 0:
        found.append(f"the device is throttling already (thermal status {conditions.thermal.status})")
    if conditions.battery is not None:
        found += _battery_problems(conditions.battery, plan)
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


def _battery_problems(battery: BatteryState, plan: ProfilePlan) -> list[str]:
    found = []
    low, high = plan.battery_percent
    if battery.level is not None and not low <= battery.level * 100 <= high:
        found.append(f"the battery is at {battery.level:.0%}, outside {low:g} to {high:g} %")
    if battery.charging:
        found.append(f"it is charging ({', '.join(battery.powered_by) or battery.status})")
    if battery.stopped:
        found.append("battery values are frozen (`dumpsys battery unplug` was used): run `dumpsys battery reset`")
    return found
