"""Readings of coremltools' benchmarker: raw times as measured, times of operations as the estimates they are."""

from collections.abc import Sequence

from device_harness.runners.coremltools_benchmarker import BenchmarkerResult
from profilers.bench import Taken
from profilers.readers.coreml import ASKED_UNITS
from profilers.readings import Obtained, Reading, unavailable

NOT_MEASURED = (("cpu_time", "s"), ("memory.peak", "B"), ("energy.inference", "J"))


class BenchmarkerReader:
    """Implements `Reader`. The library lets Core ML use all units: with others asked for, the readings say so."""

    def __init__(self, units: str) -> None:
        """Args: units: that were asked for, in the bench document's words."""
        self._units = units

    def complaint(self, run: BenchmarkerResult) -> None:
        """It says nothing of heat."""

    def readings(self, runs: Sequence[BenchmarkerResult], taken: Taken) -> tuple[Reading, ...]:
        """Latency, load time, estimated time of each operation, and what the benchmarker does not measure."""
        conditions = {"compute_units": "all", "quick": str(taken.plan.quick).lower(), "runtime": runs[0].source}
        if self._units != "all":
            conditions |= {"accelerator": ASKED_UNITS[self._units], "ran_on": "unknown"}
        facts = {**taken.facts, "conditions": conditions}

        def reading(metric: str, parts: Sequence[tuple[float, ...]], note: str | None = None) -> Reading:
            return Reading(
                metric=metric,
                unit="s",
                samples=tuple(sample for part in parts for sample in part),
                groups=tuple(map(len, parts)) if len(parts) > 1 else (),
                source=runs[0].source,
                taken_at=taken.at,
                reason=note,
                obtained=Obtained.ESTIMATED if note else Obtained.MEASURED,
                **facts,
            )

        missing = (
            unavailable(metric, unit, "coremltools' benchmarker does not measure it", source=runs[0].source, **facts)
            for metric, unit in NOT_MEASURED
        )
        operations = (
            reading(f"op_time.{name}", [run.op_estimates_s[name] for run in runs if name in run.op_estimates_s], note)
            for name, note in {name: run.op_note for run in runs for name in run.op_estimates_s}.items()
        )
        latency = reading("latency", [run.latencies_s for run in runs])
        return (latency, reading("load_time", [run.load_s for run in runs]), *operations, *missing)

    def warnings(self, runs: Sequence[BenchmarkerResult]) -> tuple[str, ...]:
        """See `Reader.warnings`."""
        del runs
        if self._units == "all":
            return ()
        return (f"coremltools' benchmarker lets Core ML use all compute units; {self._units} was asked for",)

    def load(self, run: BenchmarkerResult) -> None:
        """It does not tell when it measured."""

    def latencies(self, run: BenchmarkerResult) -> Sequence[float]:
        """See `Reader.latencies`."""
        return run.latencies_s
