"""Energy of one inference on a device: idle, load, idle, load, ... under the most trusted meter that it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from device_harness.errors import CommandTimeoutError, UnreadableOutputError
from profilers.bench import Findings, Load, Work
from profilers.meters.energy import LoadWindow
from profilers.meters.meter import FAILURES, Meter, MeterModule, Setting, find_meter
from profilers.meters.timeline import Timeline
from profilers.parse.android.battery import parse_dumpsys_battery
from profilers.readings import Obtained, Reading, unavailable

METRIC = "energy.inference"
# The share of an idle time that is left out at each end, for the device to come to rest and to be asked the time.
IDLE_MARGIN = 0.1
# Launching an app and loading the model, for each loaded phase.
LAUNCH_S = 15.0
CHARGING = "the battery is charging: unplug it (wireless adb) for its gauge to mean anything"
SIMULATED = "a simulator runs on the Mac's processors; it has no energy of its own"


class PlannedPhases(NamedTuple):
    """Implements `Phases` by the plan and runs of the model."""

    work: Work[Any]

    @property
    def repeats(self) -> int:
        """Of the plan."""
        return self.work.plan.energy_repeats

    @property
    def seconds(self) -> float:
        """See `Phases.seconds`."""
        plan = self.work.plan
        idle_s = plan.idle_s * (1 + 2 * IDLE_MARGIN)
        return idle_s + self.repeats * (idle_s + plan.warmup_min_s + plan.energy_s + LAUNCH_S)

    def load(self) -> Load:
        """See `Phases.load`."""
        run = self.work.run(runs=1, min_s=self.work.plan.energy_s)
        load = self.work.bench.reader.load(run)
        if load is None:
            raise ValueError(f"{self.work.bench.runner.name} does not tell when it measured")
        return load

    def alternate(self, timeline: Timeline) -> tuple[list[tuple[float, float]], list[LoadWindow]]:
        """See `Phases.alternate`."""
        idle, loads = [self._idle(timeline)], []
        for _ in range(self.repeats):
            load = self.load()
            loads.append(LoadWindow(*timeline.measured(load.clock), load.inferences))
            idle.append(self._idle(timeline))
        return idle, loads

    def _idle(self, timeline: Timeline) -> tuple[float, float]:
        """Do nothing on the device for the plan's time and its margins."""
        margin = self.work.plan.idle_s * IDLE_MARGIN
        start = timeline.now()
        self.work.clock.wait(self.work.plan.idle_s + 2 * margin)
        return start + margin, timeline.now() - margin


@dataclass(frozen=True)
class EnergyStage:
    """Implements `Stage`: joules of one inference above idle, one sample a repeat.

    Attributes:
        meters: those that are tried, in order; None takes all of the table.
    """

    meters: Sequence[tuple[str, MeterModule]] | None = None

    def __call__(self, work: Work[Any]) -> Findings:
        """One reading; unavailable with the reason where there is no figure to trust."""
        return Findings(readings=(self._reading(work),))

    def _reading(self, work: Work[Any]) -> Reading:
        if work.info.environment == "simulator":
            return _unavailable(work, SIMULATED)
        if work.plan.energy_repeats < 2:
            return _unavailable(work, "the plan measures no energy (energy_repeats is under 2)")
        meter, missing = find_meter(Setting(work.device, work.plan, work.clock), self.meters)
        if meter is None or (meter.of_battery and _charging(work)):
            told = [*missing, *([CHARGING] if _charging(work) else [])]
            return _unavailable(work, "; ".join(told) or "this kind of device has no meter")
        return _measured(work, meter, missing)


def _measured(work: Work[Any], meter: Meter, missing: Sequence[str]) -> Reading:
    at = work.clock.utc()
    try:
        energy = meter.measure(PlannedPhases(work))
    except (ValueError, *FAILURES) as error:
        return _unavailable(work, str(error), source=meter.name)
    return Reading(
        metric=METRIC,
        unit="J",
        samples=energy.joules,
        source=meter.name,
        obtained=Obtained.MEASURED if energy.estimate is None else Obtained.ESTIMATED,
        reason="; ".join([energy.estimate, *missing]) if energy.estimate is not None else None,
        sampling_interval_s=work.plan.sampling_interval_s,
        taken_at=at,
        **_facts(work),
    )


def _charging(work: Work[Any]) -> bool:
    battery = work.device.can.battery
    if battery is None:
        return False
    try:
        return parse_dumpsys_battery(battery.battery_report()).charging
    except (UnreadableOutputError, CommandTimeoutError):
        return False


def _facts(work: Work[Any]) -> dict[str, Any]:
    """Device, environment and conditions of the readings that were taken already."""
    like = work.readings[0]
    return {"device": like.device, "environment": like.environment, "conditions": dict(like.conditions)}


def _unavailable(work: Work[Any], reason: str, source: str = "none") -> Reading:
    return unavailable(METRIC, "J", reason, source=source, **_facts(work))
