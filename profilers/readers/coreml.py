"""Runs a plan with Core ML models on an Apple device: the counterpart of `profilers.session` for the Swift runner."""

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from device_harness.bench_document import BenchDocument, Settings
from device_harness.digests import tree_digest
from device_harness.errors import DeviceError
from device_harness.protocol import Device, DeviceInfo
from device_harness.runners.coreml import CoremlPlan, push_model, run_plan
from profilers.meters.energy import EnergyTrace, LoadWindow
from profilers.meters.powermetrics import (
    POWERMETRICS,
    Origin,
    Powermetrics,
    battery_trace,
    energy_reading,
    no_energy,
    rail_trace,
    simulator_energy,
)
from profilers.placement import BUSY_METRIC, plan_reading
from profilers.plan import ProfilePlan
from profilers.readers.documents import document_readings
from profilers.readings import Reading, unavailable
from profilers.session import ProfileResult
from profilers.stages.instruments import SOURCE, instruments_readings
from profilers.watch.battery import BatteryMonitor

SERIOUS = 2
MOST_REJECTED = 3
# Launching the app and loading the model, for each loaded phase of an energy measurement.
LAUNCH_S = 15.0
BATTERY = "battery current over Wi-Fi, 1 Hz"
Say = Callable[[str], None]


# The unit that the others only help out, by the compute units that were asked for; `all` leaves the choice to Core ML.
ASKED_UNITS = {"cpu": "cpu", "gpu": "gpu", "cpu_and_gpu": "gpu", "npu": "npu", "cpu_and_ne": "npu", "all": "any"}


class CoremlRun(NamedTuple):
    """What runs the models.

    Attributes:
        compute_units: in the bench document's words (`runners.coreml.accelerator`).
        tool: path of the command-line runner on a Mac; None where the runner is an installed app.
        instruments: whether Instruments records in a run of its own.
    """

    compute_units: str
    tool: str | None = None
    instruments: bool = False


def profile_coreml(
    device: Device, models: Sequence[Path], plan: ProfilePlan, run: CoremlRun, *, say: Say = lambda words: None
) -> list[ProfileResult]:
    """Measure `models` on an open device whose runner is ready (`runners.coreml_build.prepare`).

    Processes are in random order; one during which the system reports a serious thermal state is rejected and
    repeated.

    Raises:
        DeviceError: the device or the runner failed, or it throttles again and again.
    """
    info = device.info()
    names = {model: push_model(device, model) for model in dict.fromkeys(models)}
    documents: dict[Path, list[BenchDocument]] = {model: [] for model in names}
    rejected: dict[Path, list[str]] = {model: [] for model in names}
    taken_at = datetime.now(UTC)
    order = random.Random(plan.seed)  # noqa: S311 - an order of runs, no secret
    for number in range(plan.processes):
        for model in order.sample(list(names), len(names)):
            say(f"{info.serial}: {model.name}, process {number + 1} of {plan.processes}")
            documents[model].append(_cool_run(device, names[model], plan, run, rejected[model]))
    return [
        ProfileResult(
            artifact=str(model), sha256=tree_digest(model), device=info, plan=plan,
            readings=_readings(device, names[model], documents[model], plan, run, info, taken_at),
            warnings=_warnings(documents[model]), rejected=tuple(rejected[model]),
        )
        for model in names
    ]  # fmt: skip


def _cool_run(device: Device, model: str, plan: ProfilePlan, run: CoremlRun, rejected: list[str]) -> BenchDocument:
    while True:
        document = run_plan(device, model, _plan_of(plan, run), tool=run.tool)
        worst = max((state.state for state in document.thermal), default=0)
        if worst < SERIOUS:
            return document
        rejected.append(f"the system reported thermal state {worst} of 3 (serious is {SERIOUS})")
        if len(rejected) > MOST_REJECTED:
            raise DeviceError(
                f"{device.serial} throttles again and again. Let it cool down, take it out of its case, or profile "
                "with shorter runs.",
                serial=device.serial,
            )
        time.sleep(plan.cool_down_limit_s if plan.cool_down else 0)


def _plan_of(plan: ProfilePlan, run: CoremlRun, *, load_s: float | None = None) -> CoremlPlan:
    """One process of `plan`; with `load_s` one loaded phase of an energy measurement."""
    loaded = load_s is not None
    settings = Settings.model_validate(
        {
            "accelerator": run.compute_units,
            "warmup_runs": plan.warmup_runs,
            "runs": 1 if loaded else plan.runs,
            "min_s": load_s if loaded else plan.min_s,
            "seed": plan.seed,
        }
    )
    return CoremlPlan(settings, warmup_min_s=plan.warmup_min_s, limit_s=plan.limit_s, placement=not loaded)


def _readings(
    device: Device, model: str, documents: list[BenchDocument], plan: ProfilePlan, run: CoremlRun, info: DeviceInfo,
    taken_at: datetime,
) -> tuple[Reading, ...]:  # fmt: skip
    # Core ML chooses its threads and spreads a model over units: what it was allowed is the condition.
    conditions = {"compute_units": run.compute_units, "quick": str(plan.quick).lower(),
                  "accelerator": ASKED_UNITS[run.compute_units], "ran_on": ran_on(documents)}  # fmt: skip
    where: dict[str, Any] = {"device": info.serial, "environment": info.environment, "taken_at": taken_at}
    readings = document_readings(documents, conditions=conditions, **where)
    placement = plan_reading(documents, **where)
    recorded = _recorded(device, model, plan, run, info) if run.instruments else ()
    return (*readings, placement, *recorded, _energy(device, model, plan, run, info))


def ran_on(documents: Sequence[BenchDocument]) -> str:
    """The unit that was asked for where Core ML's plan of every process uses it; else what it uses, or ``unknown``.

    The compute units always include the CPU, for what the unit cannot do: a part there is no fall-back.
    """
    asked = ASKED_UNITS[documents[0].settings.accelerator]
    name = {"npu": "ane"}.get(asked, asked)
    if all(any(placed.device == name for placed in document.placement) for document in documents):
        return asked
    used = {document.acceleration.used for document in documents}
    return used.pop() if len(used) == 1 else "mixed"


def _recorded(device: Device, model: str, plan: ProfilePlan, run: CoremlRun, info: DeviceInfo) -> tuple[Reading, ...]:
    """In a run apart, because recording disturbs the times."""
    if info.environment == "simulator":
        reason = "a simulator has no Neural Engine"
        where = {"device": info.serial, "environment": info.environment}
        return (unavailable(BUSY_METRIC, "s", reason, source=SOURCE, **where),)
    seconds = ceil(plan.warmup_min_s + plan.min_s + LAUNCH_S)
    return instruments_readings(
        info, lambda: run_plan(device, model, _plan_of(plan, run), tool=run.tool), seconds=seconds
    )


def _warnings(documents: Sequence[BenchDocument]) -> tuple[str, ...]:
    seen = [battery for document in documents for battery in document.battery]
    found = []
    if any(battery.state in ("charging", "full") for battery in seen):
        found.append("the device was charging: it is warmer than in a pocket, and its battery's current means nothing")
    if any(battery.low_power_mode for battery in seen):
        found.append("low power mode was on: the processors were held back")
    return tuple(found)


def _energy(device: Device, model: str, plan: ProfilePlan, run: CoremlRun, info: DeviceInfo) -> Reading:
    origin = Origin(info.serial, datetime.now(UTC), info.environment)
    if info.environment == "simulator":
        return simulator_energy(origin)
    if plan.energy_repeats < 2:
        return no_energy("the plan measures no energy (energy_repeats is under 2)", origin, "none")
    if info.kind == "mac":
        return _mac_energy(device, model, plan, run, origin)
    if info.connection != "network":
        reason = "the device hangs on a cable, which charges it: connect it over Wi-Fi"
        return no_energy(reason, origin, BATTERY)
    return _battery_energy(device, model, plan, run, origin)


def _mac_energy(device: Device, model: str, plan: ProfilePlan, run: CoremlRun, origin: Origin) -> Reading:
    seconds = plan.idle_s + plan.energy_repeats * (plan.idle_s + plan.energy_s + LAUNCH_S)
    with tempfile.TemporaryDirectory(prefix="mobile-export-") as folder:
        began = time.monotonic()
        try:
            with Powermetrics(Path(folder, "power.plists"), seconds=seconds) as meter:
                idle, loads = _phases(device, model, plan, run)
                trace = rail_trace(meter.samples(), began)
        except (DeviceError, ValueError) as error:
            return no_energy(str(error), origin, POWERMETRICS)
    return energy_reading(trace, idle, loads, origin, source=POWERMETRICS)


def _battery_energy(device: Device, model: str, plan: ProfilePlan, run: CoremlRun, origin: Origin) -> Reading:
    try:
        with BatteryMonitor(origin.device) as meter:
            idle, loads = _phases(device, model, plan, run)
            trace = _timed(meter)
    except (DeviceError, ValueError) as error:
        return no_energy(str(error), origin, BATTERY)
    return energy_reading(trace, idle, loads, origin, source=BATTERY)


def _timed(meter: BatteryMonitor) -> EnergyTrace:
    samples = meter.samples()
    times = meter.times_s[: len(samples)]
    return battery_trace(samples[: len(times)], times)


def _phases(
    device: Device, model: str, plan: ProfilePlan, run: CoremlRun
) -> tuple[list[tuple[float, float]], list[LoadWindow]]:
    """Idle and loaded windows on this machine's `time.monotonic`."""
    offset = device.clock_offset()
    idle, loads = [_idle(plan.idle_s)], []
    for _ in range(plan.energy_repeats):
        document = run_plan(device, model, _plan_of(plan, run, load_s=plan.energy_s), tool=run.tool)
        start, end = offset.to_host(document.clock.measure_start_s), offset.to_host(document.clock.measure_end_s)
        loads.append(LoadWindow(start, end, len(document.latencies_s)))
        idle.append(_idle(plan.idle_s))
    return idle, loads


def _idle(seconds: float) -> tuple[float, float]:
    """Do nothing; a twentieth at each end is left out, for the device to come to rest."""
    start = time.monotonic()
    time.sleep(seconds)
    return start + seconds / 20, start + seconds - seconds / 20
