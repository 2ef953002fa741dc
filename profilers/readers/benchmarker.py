"""Readings of coremltools' benchmarker: raw times as measured, times of operations as the estimates they are."""

from datetime import datetime

from device_harness.protocol import DeviceInfo
from device_harness.runners.coremltools_benchmarker import BenchmarkerResult
from profilers.readings import Obtained, Reading, unavailable

NOT_MEASURED = (("cpu_time", "s"), ("memory.peak", "B"), ("energy.inference", "J"))


def benchmarker_readings(
    result: BenchmarkerResult, info: DeviceInfo, *, conditions: dict[str, str], taken_at: datetime
) -> tuple[Reading, ...]:
    """Latency, load time, estimated time of each operation, and what the benchmarker does not measure.

    Args:
        result: of `device_harness.runners.coremltools_benchmarker.benchmark`.
        info: the device that it ran on.
        conditions: see `Reading.conditions`.
        taken_at: when it began.
    """

    def reading(metric: str, samples: tuple[float, ...], note: str | None = None) -> Reading:
        return Reading(
            metric=metric, unit="s", samples=samples, source=result.source, device=info.serial,
            environment=info.environment, taken_at=taken_at, conditions=conditions, reason=note,
            obtained=Obtained.ESTIMATED if note else Obtained.MEASURED,
        )  # fmt: skip

    operations = (
        reading(f"op_time.{name}", samples, result.op_note) for name, samples in result.op_estimates_s.items()
    )
    missing = (
        unavailable(metric, unit, "coremltools' benchmarker does not measure it", source=result.source,
                    device=info.serial, environment=info.environment)
        for metric, unit in NOT_MEASURED
    )  # fmt: skip
    return (reading("latency", result.latencies_s), reading("load_time", result.load_s), *operations, *missing)
