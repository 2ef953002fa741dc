"""The state of a device at one time: what makes readings comparable, or worthless."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from device_harness.errors import UnreadableOutputError
from profilers.parse.android.battery import BatteryState
from profilers.parse.android.thermal import ThermalState, parse_thermalservice
from profilers.parse.linux.sampler import Sample
from profilers.plan import ProfilePlan
from profilers.watch.monitor import ONLINE_FILE, SERVICE

# Frequencies are rounded: a limit this near the maximum is none.
NEAR_MAXIMUM = 0.99


class Conditions(NamedTuple):
    """A look at the device; None or empty where it does not tell.

    Attributes:
        thermal: Android's thermal service.
        battery: Android's battery service.
        zones_k: kernel thermal zones in kelvins by path.
        limits_hz: highest allowed frequency of each CPU by its name, ``cpu0``.
        maxima_hz: the highest that each can, likewise.
        online: CPUs that work now; none where that is not told.
        offline: CPUs that are switched off now, though the machine has them and no setting keeps them off.
        governors: CPU frequency governors in use.
        screen_on: whether the display is on.
        untold: what could not be read, and why.
    """

    thermal: ThermalState | None = None
    battery: BatteryState | None = None
    zones_k: dict[str, float] = {}
    limits_hz: dict[str, float] = {}
    maxima_hz: dict[str, float] = {}
    online: frozenset[int] = frozenset()
    offline: frozenset[int] = frozenset()
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
    found = held_back(conditions)
    if conditions.battery is not None:
        found += _battery_problems(conditions.battery, plan)
    if conditions.screen_on:
        found.append("the screen is on")
    if "powersave" in conditions.governors:
        found.append("the CPU frequency governor is powersave")
    return [*found, *(f"not checked: {words}" for words in conditions.untold)]


def held_back(conditions: Conditions) -> list[str]:
    """What keeps the device from what it can when cool: figures taken so say nothing of it in a user's hand."""
    found = []
    if conditions.thermal is not None and conditions.thermal.status > 0:
        found.append(f"the device is throttling already (thermal status {conditions.thermal.status})")
    capped = {
        cpu: (limit, conditions.maxima_hz[cpu])
        for cpu, limit in conditions.limits_hz.items()
        if limit < NEAR_MAXIMUM * conditions.maxima_hz.get(cpu, 0.0)
    }
    if capped:
        cpu, (limit, most) = min(capped.items(), key=lambda item: item[1][0] / item[1][1])
        others = f" and {len(capped) - 1} more" if len(capped) > 1 else ""
        found.append(f"{cpu}{others} may run at {limit / 1e6:.0f} of {most / 1e6:.0f} MHz only")
    if conditions.offline:
        found.append(f"{_cpus(conditions.offline)} is switched off")
    return found


def throttled(before: Conditions, after: Conditions, during: Sequence[Sample] = ()) -> str | None:
    """Why a run between these two looks must be rejected, or None.

    Args:
        before: a look.
        after: another.
        during: what was sampled between them.
    """
    looks = [*(_sampled(before, sample) for sample in during), after]
    return next(filter(None, (_worse(before, look) for look in looks)), None)


def cpus_of(text: str) -> frozenset[int] | None:
    """The numbers in a list of the kernel's such as ``0-3,6``; None where it is none."""
    if not re.fullmatch(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*", text):
        return None
    ends = [part.partition("-") for part in text.split(",")]
    return frozenset(number for low, _, high in ends for number in range(int(low), int(high or low) + 1))


def cpu_name(path: str) -> str:
    """``cpu4`` of a path that has it; the path where none has."""
    found = re.search(r"cpu\d+", path)
    return found[0] if found else path


def _worse(before: Conditions, look: Conditions) -> str | None:
    if before.thermal is not None and look.thermal is not None and look.thermal.status > before.thermal.status:
        return f"the thermal status rose from {before.thermal.status} to {look.thermal.status}"
    for cpu, limit in before.limits_hz.items():
        now = look.limits_hz.get(cpu, limit)
        if now < limit:
            return f"{cpu} was limited from {limit / 1e6:.0f} to {now / 1e6:.0f} MHz"
    gone = look.offline - before.offline
    return f"{_cpus(gone)} was switched off" if gone else None


def _sampled(before: Conditions, sample: Sample) -> Conditions:
    """A sample as a look; what it does not tell is as it was before."""
    limits = {
        cpu_name(path): float(text) * 1e3
        for path, text in sample.texts.items()
        if path.endswith("/scaling_max_freq") and text.strip().isdigit()
    }
    online = cpus_of(sample.texts.get(ONLINE_FILE, "").strip())
    try:
        status = parse_thermalservice(sample.texts.get(SERVICE, ""))
    except UnreadableOutputError:
        status = None
    return before._replace(
        limits_hz={**before.limits_hz, **limits},
        offline=before.offline if online is None else before.offline | (before.online - online),
        thermal=before.thermal if status is None else status,
    )


def _cpus(numbers: frozenset[int]) -> str:
    return ", ".join(f"cpu{number}" for number in sorted(numbers))


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
