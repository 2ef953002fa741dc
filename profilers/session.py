"""Runs a plan on a device: what is measured, in which order, under which conditions."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from device_harness.bench_document import BenchDocument
from device_harness.digests import file_digest
from device_harness.errors import DeviceError
from device_harness.protocol import Device, DeviceInfo
from device_harness.runners.documents import DocumentRunner, RunRequest, run_document
from profilers.conditions.probe import Conditions, look, problems_before, throttled
from profilers.parse.litert.op_profile import OpTime
from profilers.plan import ProfilePlan
from profilers.readers.documents import document_readings
from profilers.readings import Obtained, Reading
from profilers.stages.energy import energy_reading
from profilers.stages.outputs import OutputCheck, Reference, check_outputs
from profilers.watch.monitor import FREQUENCY_FILES, Monitor, monitored, readable_files
from profilers.watch.sampled import sampled_readings

MOST_REJECTED = 3
Say = Callable[[str], None]


class ProfileResult(BaseModel):
    """What was found out about one model on one device.

    Attributes:
        artifact: path of the file as given.
        sha256: digest of it.
        readings: every quantity, the unavailable ones with their reasons.
        outputs: what the device computed, compared with this machine; None when it was not compared.
        ops: time of every operator, from a run of its own; only benchmark_model tells.
        warnings: sentences about conditions that make the readings less representative.
        rejected: why each rejected run was rejected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    artifact: str
    sha256: str
    device: DeviceInfo
    plan: ProfilePlan
    readings: tuple[Reading, ...]
    outputs: OutputCheck | None = None
    ops: tuple[OpTime, ...] = ()
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


@runtime_checkable
class Restoring(Protocol):
    """A device that runs a command when the session ends, also when this machine is gone by then."""

    def on_leaving(self, command: str) -> None:
        """Have `command` run by the device's shell at the end."""
        ...


class Entry(NamedTuple):
    """A model in a session: where it lies on the device, what its processes gave, why runs were rejected."""

    path: Path
    sha256: str
    remote: str
    documents: list[Any]
    rejected: list[str]


def profile_models(
    device: Device,
    models: Sequence[Path],
    plan: ProfilePlan,
    runner: DocumentRunner,
    *,
    references: dict[Path, Reference] | None = None,
    say: Say = lambda words: None,
) -> list[ProfileResult]:
    """Measure `models` on an open device.

    Args:
        device: open; stays open.
        models: .tflite files; each is pushed once, also when it is given twice.
        plan: what to do.
        runner: what executes the models.
        references: inputs and outputs of this machine by model, to compare the device's with.
        say: progress, one sentence a step.

    Raises:
        DeviceError: the device or the runner failed; nothing is left on the device when it is closed.
    """
    info = device.info()
    android = is_android(info)
    runner.prepare(device)
    entries = push_models(device, models)
    prepare_state(device, plan, android)
    before = look(device, android=android)
    warnings = [] if plan.quick else problems_before(before, plan)
    files = readable_files(device, [FREQUENCY_FILES])
    taken_at = datetime.now(UTC)
    with monitored(device, files, plan.sampling_interval_s) as monitor:

        def execute(remote: str) -> BenchDocument:
            return run_document(device, runner, request_of(plan, remote))

        measure(device, entries, plan, execute, before, warnings, say)
    results = []
    for entry in entries:
        say(f"{info.serial}: energy and outputs of {entry.path.name}")
        readings = _readings(device, entry, plan, info, taken_at, monitor)
        energy = energy_reading(device, entry.remote, plan, runner, android=android, readings=readings)
        sustained = _sustained(device, entry, plan, runner, info)
        reference = (references or {}).get(entry.path)
        results.append(
            ProfileResult(
                artifact=str(entry.path), sha256=entry.sha256, device=info, plan=plan,
                readings=(*readings, energy, *sustained),
                outputs=check_outputs(device, entry.remote, runner, plan, reference) if reference else None,
                warnings=tuple(dict.fromkeys(warnings)), rejected=tuple(entry.rejected),
            )
        )  # fmt: skip
    return results


def is_android(info: DeviceInfo) -> bool:
    """Whether dumpsys and its like are worth asking."""
    return (info.os or "").startswith("Android")


def request_of(plan: ProfilePlan, remote: str, *, min_s: float | None = None) -> RunRequest:
    """One process of `plan`; `min_s` replaces the plan's."""
    return RunRequest(
        model=remote, warmup_runs=plan.warmup_runs, warmup_min_s=plan.warmup_min_s, runs=plan.runs,
        min_s=plan.min_s if min_s is None else min_s, limit_s=plan.limit_s, threads=plan.threads,
        accelerator=plan.accelerator, cpus=plan.cpus, seed=plan.seed,
    )  # fmt: skip


def push_models(device: Device, models: Sequence[Path]) -> list[Entry]:
    """Push each model once, by its digest."""
    entries: dict[str, Entry] = {}
    for path in models:
        digest = file_digest(path)
        if digest not in entries:
            entries[digest] = Entry(path, digest, device.push(path, f"{digest[:8]}-{path.name}"), [], [])
    return list(entries.values())


def prepare_state(device: Device, plan: ProfilePlan, android: bool) -> None:
    """Screen off, and no staying awake while plugged in; the device itself undoes it at the end of the session."""
    if plan.quick or not android or not isinstance(device, Restoring):
        return
    setting = "stay_on_while_plugged_in"
    value = device.run(["settings", "get", "global", setting], timeout_s=20).text.strip()
    if value.isdigit() and value != "0":
        device.on_leaving(f"settings put global {setting} {value}")
        device.run(["settings", "put", "global", setting, "0"], timeout_s=20)
    if look(device, android=True).screen_on:
        device.on_leaving("input keyevent 224")
        device.run(["input", "keyevent", "223"], timeout_s=20)


def measure(
    device: Device,
    entries: list[Entry],
    plan: ProfilePlan,
    execute: Callable[[str], Any],
    start: Conditions,
    warnings: list[str],
    say: Say,
) -> None:
    """Processes in random order; a run during which the device throttled is rejected and done again."""
    android = is_android(device.info())
    order = random.Random(plan.seed)  # noqa: S311 - an order of runs, no secret
    for number in range(plan.processes):
        for entry in order.sample(entries, len(entries)):
            say(f"{device.serial}: {entry.path.name}, process {number + 1} of {plan.processes}")
            while True:
                if plan.cool_down and (number or entry.documents or entry.rejected):
                    _cool_down(device, start, plan, android, warnings)
                before = look(device, android=android)
                document = execute(entry.remote)
                reason = throttled(before, look(device, android=android))
                if reason is None:
                    entry.documents.append(document)
                    break
                entry.rejected.append(f"process {number + 1}: {reason}")
                if len(entry.rejected) > MOST_REJECTED:
                    raise DeviceError(
                        f"{device.serial} throttles again and again ({reason}). Let it cool down, take it out of its "
                        "case, or profile with shorter runs.", serial=device.serial
                    )  # fmt: skip


def _cool_down(device: Device, start: Conditions, plan: ProfilePlan, android: bool, warnings: list[str]) -> None:
    """Wait until the temperature is back at its start, at most `plan.cool_down_limit_s`."""
    if start.temperature_k is None:
        return
    end = time.monotonic() + plan.cool_down_limit_s
    while True:
        now = look(device, android=android).temperature_k
        if now is None or now <= start.temperature_k + plan.cool_down_margin_k:
            return
        if time.monotonic() >= end:
            warnings.append(f"it did not cool down to its start temperature within {plan.cool_down_limit_s:g} s")
            return
        time.sleep(min(1.0, plan.cool_down_limit_s / 10))


def _readings(
    device: Device, entry: Entry, plan: ProfilePlan, info: DeviceInfo, taken_at: datetime, monitor: Monitor
) -> tuple[Reading, ...]:
    name = "this machine" if info.kind == "local" else info.serial
    ran_on = {document.acceleration.used for document in entry.documents}
    conditions = {**plan.conditions(), "ran_on": ran_on.pop() if len(ran_on) == 1 else "mixed"}
    readings = document_readings(
        entry.documents, device=name, conditions=conditions, taken_at=taken_at, environment=info.environment
    )
    return (*readings, *sampled_readings(monitor.samples, entry.documents, readings[0], plan.sampling_interval_s))


def _sustained(
    device: Device, entry: Entry, plan: ProfilePlan, runner: DocumentRunner, info: DeviceInfo
) -> tuple[Reading, ...]:
    """The last tenth of the latencies of a long run without pause: what a warm device gives."""
    if not plan.sustained_s:
        return ()
    taken_at = datetime.now(UTC)
    document = run_document(device, runner, request_of(plan, entry.remote, min_s=plan.sustained_s))
    last = document.latencies_s[-max(1, len(document.latencies_s) // 10) :]
    return (
        Reading(
            metric="latency.sustained", unit="s", samples=last, obtained=Obtained.MEASURED, taken_at=taken_at,
            source=f"{document.runner.name}, last tenth of {plan.sustained_s:g} s", device=info.serial,
            environment=info.environment, conditions={**plan.conditions(), "runtime": document.runner.runtime},
        ),
    )  # fmt: skip
