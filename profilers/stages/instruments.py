"""What Instruments sees while something runs: recorded, exported and read in one, each table for itself."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from device_harness.bench_document import BenchDocument
from device_harness.errors import DeviceError
from device_harness.protocol import DeviceInfo
from profilers.meters.powermetrics import RATE_SCHEMA, Origin, discharge_reading
from profilers.parse.apple.xctrace import read_rows
from profilers.parse.apple.xctrace_toc import Run
from profilers.placement import BUSY_METRIC, HARDWARE_TABLES, recorded_reading
from profilers.readings import Obtained, Reading, unavailable
from profilers.watch.recording import INSTRUMENTS, Recording, contents, export_table

SOURCE = "Instruments"
TIME_METRIC, TIME_SCHEMA = "cpu_time.sampled", "time-profile"
RATE_METRIC = "battery.discharge_rate"
# Only devices with a battery that Instruments reads have it.
POWER_INSTRUMENT = "Power Profiler"
METRICS = ((BUSY_METRIC, "s"), (TIME_METRIC, "s"), (RATE_METRIC, "%/h"))


class _Trace(NamedTuple):
    path: Path
    runs: tuple[Run, ...]
    folder: Path
    document: BenchDocument
    origin: Origin


def instruments_readings(info: DeviceInfo, work: Callable[[], BenchDocument], *, seconds: int) -> tuple[Reading, ...]:
    """Record `info`'s device while `work` runs: busy time of the Neural Engine, sampled CPU time, and discharge rate.

    What could not be recorded is unavailable with the reason, each reading for itself.

    Args:
        info: an iPhone or iPad that devicectl reaches, or this Mac.
        work: runs the model once, also where nothing could be exported afterwards.
        seconds: length of the recording; what `work` does after it is not recorded.

    Raises:
        DeviceError: `work` failed.
    """
    origin = Origin(info.serial, datetime.now(UTC), info.environment)
    phone = info.kind != "mac"
    with tempfile.TemporaryDirectory(prefix="mobile-export-") as name:
        recording = Recording(
            Path(name, "run.trace"), seconds=seconds, device=info.serial if phone else None,
            instruments=(*INSTRUMENTS, POWER_INSTRUMENT) if phone else INSTRUMENTS,
        )  # fmt: skip
        try:
            recording.begin()
        except DeviceError as error:
            return _nothing(str(error), origin)
        with recording:
            document = work()
            try:
                trace = recording.finish()
                runs = contents(trace, Path(name))
            except DeviceError as error:
                return _nothing(str(error), origin)
        return _read(_Trace(trace, runs, Path(name), document, origin))


def _nothing(reason: str, origin: Origin) -> tuple[Reading, ...]:
    return tuple(_missing(metric, unit, reason, origin) for metric, unit in METRICS)


def _missing(metric: str, unit: str, reason: str, origin: Origin) -> Reading:
    return unavailable(metric, unit, reason, source=SOURCE, device=origin.device, environment=origin.environment)


def _read(trace: _Trace) -> tuple[Reading, ...]:
    readers = (_busy, _sampled_time, _discharge)
    found = []
    for (metric, unit), read in zip(METRICS, readers, strict=True):
        try:
            found.append(read(trace))
        except DeviceError as error:
            found.append(_missing(metric, unit, str(error), trace.origin))
    return tuple(found)


def _exports(trace: _Trace, schemas: Sequence[str]) -> list[Path]:
    """Those of the tables that the first run has."""
    present = [schema for schema in schemas if trace.runs and schema in trace.runs[0].schemas]
    number = trace.runs[0].number if trace.runs else 1
    return [export_table(trace.path, schema, trace.folder / f"{schema}.xml", run=number) for schema in present]


def _busy(trace: _Trace) -> Reading:
    exports = _exports(trace, HARDWARE_TABLES)
    return recorded_reading(exports, device=trace.origin.device, taken_at=trace.origin.taken_at)


def _sampled_time(trace: _Trace) -> Reading:
    """Sum of the samples' weights of the runner's process, told by its identifier in the process's name."""
    weights: list[int] = []
    ending = f"({trace.document.pid})"
    for path in _exports(trace, (TIME_SCHEMA,)):
        with path.open("rb") as file:
            rows = read_rows(file, TIME_SCHEMA, ("process", "weight"))
            weights += [weight for process, weight in rows if isinstance(weight, int) and str(process).endswith(ending)]
    if not weights:
        return _missing(TIME_METRIC, "s", "not recorded: no sample of the runner's process", trace.origin)
    return Reading(
        metric=TIME_METRIC, unit="s", samples=(sum(weights) / 1e9,), source=f"{SOURCE}, Time Profiler",
        device=trace.origin.device, environment=trace.origin.environment, taken_at=trace.origin.taken_at,
        obtained=Obtained.ESTIMATED, reason=f"statistical: {len(weights)} samples of the call stack",
    )  # fmt: skip


def _discharge(trace: _Trace) -> Reading:
    exports = _exports(trace, (RATE_SCHEMA,))
    if not exports:
        return _missing(RATE_METRIC, "%/h", "not recorded: the trace has no power table", trace.origin)
    return discharge_reading(exports[0], trace.origin)
