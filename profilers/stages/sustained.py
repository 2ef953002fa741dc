"""Sustained latency: a long run without pause, how it went, and its last tenth, which is what a warm device gives."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from device_harness.errors import UnreadableOutputError
from profilers.bench import Findings, Load, Work
from profilers.conditions.conditions import Conditions, cpu_name
from profilers.conditions.probe import PLAUSIBLE_MILLIDEGREES
from profilers.cores import core_groups
from profilers.curve import Look, curve_of
from profilers.parse.android.thermal import ThermalState, parse_thermalservice
from profilers.parse.linux.sampler import Sample
from profilers.readings import Obtained, Reading, unavailable
from profilers.watch.monitor import FREQUENCY_FILES, SERVICE, ZONE_FILES, Monitor, monitored, readable_files

METRIC = "latency.sustained"
LAST_SHARE = 10
LEAST_INTERVAL_S = 1.0


def sustained(work: Work[Any]) -> Findings:
    """Implements `Stage`; nothing where the plan leaves it out."""
    seconds, like = work.plan.sustained_s, work.readings[0]
    if not seconds:
        return Findings()
    at = work.clock.utc()
    with _watched(work) as monitor:
        run = work.run(min_s=seconds)
    latencies = work.bench.reader.latencies(run)
    source = f"{work.bench.runner.name}, last tenth of {seconds:g} s"
    facts: dict[str, Any] = {
        "device": like.device,
        "environment": like.environment,
        "conditions": like.conditions,
        "source": source,
    }
    if not latencies:
        return Findings((unavailable(METRIC, "s", "the runner gives no samples", **facts),))
    last = tuple(latencies[-max(1, len(latencies) // LAST_SHARE) :])
    reading = Reading(metric=METRIC, unit="s", samples=last, obtained=Obtained.MEASURED, taken_at=at, **facts)
    load = work.bench.reader.load(run)
    starts = [start - load.starts_s[0] for start in load.starts_s] if load is not None else []
    groups = core_groups(work.device.can.shell)
    return Findings((reading,), sustained=curve_of(latencies, _looks(monitor.samples, load), groups, starts))


def _watched(work: Work[Any]) -> AbstractContextManager[Monitor]:
    """Samples frequencies and temperatures, seldom enough to take no time from the model."""
    shell, thermal = work.device.can.shell, work.device.can.thermal
    if shell is None:
        return nullcontext(Monitor())
    files = readable_files(shell, [FREQUENCY_FILES, ZONE_FILES])
    service = thermal.thermal_command if thermal is not None else ()
    return monitored(shell, files, max(LEAST_INTERVAL_S, work.plan.sampling_interval_s), service)


def _looks(samples: Sequence[Sample], load: Load | None) -> list[Look]:
    """What was sampled since the measured phase began; nothing where the runner does not tell when that was."""
    if load is None:
        return []
    began = load.clock.measure_start_s + load.clock.boottime_offset_s
    seen = [(sample.time_s - began, _seen(sample), _hertz(sample)) for sample in samples]
    # Android's service is asked less often than files are read: a zone in between would be another sensor's curve.
    asked = any(seen_by.thermal is not None for _, seen_by, _ in seen)
    return [Look(at, None if asked and by.thermal is None else by.temperature_k, hertz) for at, by, hertz in seen]


def _seen(sample: Sample) -> Conditions:
    numbers = {path: text.strip() for path, text in sample.texts.items() if path.endswith("/temp")}
    return Conditions(
        thermal=_thermal(sample.texts.get(SERVICE, "")),
        zones_k={
            path: int(text) / 1e3 + 273.15
            for path, text in numbers.items()
            if re.fullmatch(PLAUSIBLE_MILLIDEGREES, text)
        },
    )


def _hertz(sample: Sample) -> dict[str, float]:
    """At which each CPU runs; the files hold kilohertz."""
    numbers = {path: text.strip() for path, text in sample.texts.items() if path.endswith("/scaling_cur_freq")}
    return {cpu_name(path): float(text) * 1e3 for path, text in numbers.items() if text.isdigit()}


def _thermal(text: str) -> ThermalState | None:
    try:
        return parse_thermalservice(text) if text else None
    except UnreadableOutputError:
        return None
