"""What Instruments sees while something runs: recorded, exported and read in one, each table for itself."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from device_harness.errors import DeviceError
from device_harness.protocol import Recordable
from profilers.bench import Findings, Work
from profilers.parse.apple.xctrace import read_rows
from profilers.parse.apple.xctrace_toc import Run
from profilers.readers.placement import BUSY_METRIC, HARDWARE_TABLES, recorded_reading
from profilers.readings import Obtained, Reading, unavailable
from profilers.stages.energy import LAUNCH_S
from profilers.watch.recording import INSTRUMENTS, Recording, contents, export_table

SOURCE = "Instruments"
TIME_METRIC, TIME_SCHEMA = "cpu_time.sampled", "time-profile"
RATE_METRIC = "battery.discharge_rate"
# Only devices with a battery that Instruments reads have it.
RATE_SCHEMA, RATE_COLUMNS = "SystemPowerLevel", ("start", "duration", "percent-per-hour")
POWER_INSTRUMENT = "Power Profiler"
METRICS = ((BUSY_METRIC, "s"), (TIME_METRIC, "s"), (RATE_METRIC, "%/h"))


class Origin(NamedTuple):
    """Where and when a reading is taken."""

    device: str
    taken_at: datetime
    environment: str = "device"


class Recorder(Protocol):
    """Records while something runs; see `profilers.watch.recording.Recording`."""

    def begin(self) -> None:
        """Start, and return when it records."""
        ...

    def finish(self) -> Path:
        """Wait for the end, and return the trace."""
        ...

    def __enter__(self) -> Self:
        """See `begin`."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        ...


class Instruments(NamedTuple):
    """The ways to Instruments, passed in so that tests need none.

    Attributes:
        record: makes a recording: output, seconds, device, instruments.
        contents: the runs of a trace.
        export: writes one table.
    """

    record: Callable[..., Recorder] = Recording
    contents: Callable[[Path, Path], tuple[Run, ...]] = contents
    export: Callable[..., Path] = export_table


class _Trace(NamedTuple):
    path: Path
    runs: tuple[Run, ...]
    folder: Path
    pid: int
    origin: Origin
    export: Callable[..., Path]


class InstrumentsStage(NamedTuple):
    """Implements `Stage`: busy time of the Neural Engine, sampled CPU time, and discharge rate, in a run apart.

    Recording disturbs the times. What could not be recorded is unavailable with the reason, each reading for itself.
    """

    instruments: Instruments = Instruments()

    def __call__(self, work: Work[Any]) -> Findings:
        """See the class."""
        origin = Origin(work.info.serial, work.clock.utc(), work.info.environment)
        target = work.device.can.recording
        if target is None:
            simulated = work.info.environment == "simulator"
            reason = "a simulator has no Neural Engine" if simulated else "Instruments cannot record this device"
            return Findings(readings=(_missing(BUSY_METRIC, "s", reason, origin),))
        return Findings(readings=self._recorded(work, target, origin))

    def _recorded(self, work: Work[Any], target: Recordable, origin: Origin) -> tuple[Reading, ...]:
        chosen = (*INSTRUMENTS, POWER_INSTRUMENT) if target.has_power_table else INSTRUMENTS
        seconds = ceil(work.plan.warmup_min_s + work.plan.min_s + LAUNCH_S)
        with tempfile.TemporaryDirectory(prefix="mobile-export-") as name:
            folder = Path(name)
            recording = self.instruments.record(
                folder / "run.trace", seconds=seconds, device=target.recorded_as, instruments=chosen
            )
            try:
                recording.begin()
            except DeviceError as error:
                return _nothing(str(error), origin)
            with recording:
                pid = work.run(placement=True).pid
                try:
                    trace = recording.finish()
                    runs = self.instruments.contents(trace, folder)
                except DeviceError as error:
                    return _nothing(str(error), origin)
            return _read(_Trace(trace, runs, folder, pid, origin, self.instruments.export))


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
    return [trace.export(trace.path, schema, trace.folder / f"{schema}.xml", run=number) for schema in present]


def _busy(trace: _Trace) -> Reading:
    exports = _exports(trace, HARDWARE_TABLES)
    return recorded_reading(exports, device=trace.origin.device, taken_at=trace.origin.taken_at)


def _sampled_time(trace: _Trace) -> Reading:
    """Sum of the samples' weights of the runner's process, told by its identifier in the process's name."""
    weights: list[int] = []
    ending = f"({trace.pid})"
    for path in _exports(trace, (TIME_SCHEMA,)):
        with path.open("rb") as file:
            rows = read_rows(file, TIME_SCHEMA, ("process", "weight"))
            weights += [weight for process, weight in rows if isinstance(weight, int) and str(process).endswith(ending)]
    if not weights:
        return _missing(TIME_METRIC, "s", "not recorded: no sample of the runner's process", trace.origin)
    return Reading(
        metric=TIME_METRIC,
        unit="s",
        samples=(sum(weights) / 1e9,),
        source=f"{SOURCE}, Time Profiler",
        device=trace.origin.device,
        environment=trace.origin.environment,
        taken_at=trace.origin.taken_at,
        obtained=Obtained.ESTIMATED,
        reason=f"statistical: {len(weights)} samples of the call stack",
    )


def _discharge(trace: _Trace) -> Reading:
    exports = _exports(trace, (RATE_SCHEMA,))
    if not exports:
        return _missing(RATE_METRIC, "%/h", "not recorded: the trace has no power table", trace.origin)
    return discharge_reading(exports[0], trace.origin)


def discharge_reading(export: Path, origin: Origin) -> Reading:
    """Instruments' power table: percent of the charge an hour, as it stands; unavailable when the table is empty.

    Raises:
        UnreadableOutputError: not such an export, or one with other columns.
    """
    metric, source = RATE_METRIC, f"{SOURCE}, Power Profiler"
    with export.open("rb") as file:
        rows = list(read_rows(file, RATE_SCHEMA, RATE_COLUMNS))
    rates = [float(rate) for _, _, rate in rows if rate is not None and _is_number(str(rate))]
    if not rates:
        reason = "not recorded: the power table is empty or missing"
        return unavailable(metric, "%/h", reason, source=source, device=origin.device)
    return Reading(
        metric=metric,
        unit="%/h",
        samples=tuple(rates),
        source=source,
        device=origin.device,
        taken_at=origin.taken_at,
        obtained=Obtained.MEASURED,
    )


def _is_number(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return whole.isdecimal() and (fraction.isdecimal() or not fraction)
