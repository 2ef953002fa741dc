"""Energy of one inference on a device: idle, load, idle, load, ... under the most trusted meter that it has."""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from device_harness.errors import CommandTimeoutError, UnreadableOutputError
from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner, RunRequest, run_document
from profilers.conditions.probe import look
from profilers.meters.energy import LoadWindow, energy_per_inference, refusal
from profilers.meters.perfetto import Meter, Watched, find_meter
from profilers.parse.android.battery import parse_batterystats
from profilers.plan import ProfilePlan
from profilers.readings import Obtained, Reading, unavailable

SHELL_UID = 2000


def energy_reading(
    device: Device,
    remote: str,
    plan: ProfilePlan,
    runner: DocumentRunner,
    *,
    android: bool,
    readings: Sequence[Reading],
) -> Reading:
    """Joules of one inference above idle, one sample a repeat.

    Args:
        device: open, with the model at `remote`.
        remote: the model's path on the device.
        plan: idle and loaded times, repeats.
        runner: what runs it.
        android: whether Perfetto, dumpsys and batterystats are worth trying.
        readings: those taken already; device, environment and conditions are theirs.
    """
    like = readings[0]
    facts: dict[str, Any] = {
        "device": like.device, "environment": like.environment, "conditions": dict(like.conditions),
    }  # fmt: skip
    if plan.energy_repeats == 0:
        return unavailable("energy.inference", "J", "the plan measures no energy (energy_repeats is 0)",
                           source="none", **facts)  # fmt: skip
    battery = look(device, android=True).battery if android else None
    charging = battery is not None and battery.charging
    meter, missing = find_meter(device, plan.sampling_interval_s, android=android)
    if meter is None or (meter.battery and charging):
        if charging:
            missing.append("the battery is charging: unplug it (wireless adb) for its gauge to mean anything")
        elif android:
            return _estimate(device, remote, plan, runner, missing, facts)
        return unavailable("energy.inference", "J", "; ".join(missing), source="none", **facts)
    taken_at = datetime.now(UTC)
    with meter.watch() as watched:
        idle, loads = _phases(device, remote, plan, runner)
    return _judged(watched, meter, idle, loads, plan, taken_at, facts)


def _judged(
    watched: Watched, meter: Meter, idle: list[tuple[float, float]], loads: list[LoadWindow], plan: ProfilePlan,
    taken_at: datetime, facts: dict[str, Any],
) -> Reading:  # fmt: skip
    if watched.trace is None:
        return unavailable("energy.inference", "J", str(watched.reason), source=meter.name, **facts)
    try:
        result = energy_per_inference(watched.trace, idle, loads)
    except ValueError as error:
        return unavailable("energy.inference", "J", str(error), source=meter.name, **facts)
    if result.refused:
        return unavailable("energy.inference", "J", result.refused, source=meter.name, **facts)
    return Reading(
        metric="energy.inference", unit="J", samples=result.joules, source=meter.name, obtained=Obtained.MEASURED,
        sampling_interval_s=plan.sampling_interval_s, taken_at=taken_at, **facts,
    )  # fmt: skip


def _phases(
    device: Device, remote: str, plan: ProfilePlan, runner: DocumentRunner
) -> tuple[list[tuple[float, float]], list[LoadWindow]]:
    """Idle and loaded windows on the device's boot clock."""
    idle, loads = [_idle(device, plan.idle_s)], []
    for _ in range(plan.energy_repeats):
        document = run_document(device, runner, _load_request(plan, remote))
        shift = document.clock.boottime_offset_s
        start, end = document.clock.measure_start_s + shift, document.clock.measure_end_s + shift
        loads.append(LoadWindow(start, end, len(document.latencies_s)))
        idle.append(_idle(device, plan.idle_s))
    return idle, loads


def _idle(device: Device, seconds: float) -> tuple[float, float]:
    """Do nothing on the device; a tenth at each end, and the questions about the time, are left out."""
    start = _uptime(device)
    time.sleep(seconds)
    end = _uptime(device)
    return start + seconds / 10, end - seconds / 10


def _uptime(device: Device) -> float:
    text = device.run(["cat", "/proc/uptime"], timeout_s=30).text
    found = re.match(r"\d{1,12}(\.\d+)?(?=\s)", text)
    if found is None:
        raise UnreadableOutputError(f"{device.serial}: /proc/uptime holds {text[:80]!r}.", serial=device.serial)
    return float(found[0])


def _load_request(plan: ProfilePlan, remote: str) -> RunRequest:
    return RunRequest(
        model=remote, warmup_runs=plan.warmup_runs, warmup_min_s=plan.warmup_min_s, runs=1, min_s=plan.energy_s,
        limit_s=plan.limit_s, threads=plan.threads, accelerator=plan.accelerator, cpus=plan.cpus, seed=plan.seed,
    )  # fmt: skip


def _estimate(
    device: Device, remote: str, plan: ProfilePlan, runner: DocumentRunner, missing: list[str], facts: dict[str, Any]
) -> Reading:
    """What Android's power profile ascribes to the shell's user: an estimate by the maker's table."""
    joules, source = [], "dumpsys batterystats, power profile"
    taken_at = datetime.now(UTC)
    try:
        battery = look(device, android=True).battery
        volts = battery.voltage_v if battery is not None else None
        if volts is None:
            raise UnreadableOutputError("the battery's voltage is not told")
        for _ in range(plan.energy_repeats):
            device.run(["dumpsys", "batterystats", "--reset"], timeout_s=30)
            document = run_document(device, runner, _load_request(plan, remote))
            use = parse_batterystats(device.run(["dumpsys", "batterystats", "-c"], timeout_s=30).text)
            joules.append(use.by_uid_c.get(SHELL_UID, 0.0) * volts / len(document.latencies_s))
    except (UnreadableOutputError, CommandTimeoutError) as error:
        return unavailable(
            "energy.inference", "J", "; ".join([*missing, f"batterystats: {error}"]), source="none", **facts
        )
    refused = refusal(joules)
    if refused:
        return unavailable(
            "energy.inference", "J", "; ".join([*missing, f"batterystats: {refused}"]), source=source, **facts
        )
    return Reading(
        metric="energy.inference", unit="J", samples=tuple(joules), source=source, obtained=Obtained.ESTIMATED,
        reason="by the power profile of the device's maker, not measured; " + "; ".join(missing),
        taken_at=taken_at, **facts,
    )  # fmt: skip
