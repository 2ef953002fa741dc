"""Readings of bench documents: what the runners of this project print, on any device."""

from collections.abc import Sequence
from datetime import datetime

from device_harness.bench_document import BenchDocument
from profilers.readings import Obtained, Reading


def document_readings(
    documents: Sequence[BenchDocument],
    *,
    device: str,
    conditions: dict[str, str],
    taken_at: datetime,
    environment: str = "device",
) -> tuple[Reading, ...]:
    """Latency, load time, processor time and memory of one model in one or several processes.

    Args:
        documents: one a process, in the order they ran; at least one.
        device: serial, or ``this machine``.
        conditions: see `Reading.conditions`; the runtime is added to them.
        taken_at: when the first process began.
        environment: ``device``, ``emulator`` or ``simulator``.
    """
    first = documents[0]
    source = f"{first.runner.name} {first.runner.version}, {first.runner.runtime}"
    common = {"runtime": first.runner.runtime, **conditions}

    def measured(
        metric: str,
        unit: str,
        parts: Sequence[Sequence[float]],
        *,
        warmup: Sequence[Sequence[float]] = (),
    ) -> Reading:
        return Reading(
            metric=metric, unit=unit, source=source, device=device, environment=environment, taken_at=taken_at,
            obtained=Obtained.MEASURED, conditions=common,
            samples=tuple(sample for part in parts for sample in part),
            warmup_samples=tuple(sample for part in warmup for sample in part),
            groups=tuple(len(part) for part in parts) if len(parts) > 1 else (),
        )  # fmt: skip

    readings = [
        measured("latency", "s", [document.latencies_s for document in documents],
                 warmup=[document.warmup_latencies_s for document in documents]),
        measured("load_time", "s", [[document.load_s] for document in documents]),
        measured("cpu_time", "s", [_cpu_times(document) for document in documents]),
        measured("cpu_utilization", "1", [[_utilization(document)] for document in documents]),
        measured("memory.peak", "B", [[document.memory.peak_bytes] for document in documents]),
    ]  # fmt: skip
    own = [_model_memory(document) for document in documents]
    if all(value is not None for value in own):
        readings.append(measured("memory.model", "B", [[value] for value in own if value is not None]))
    return tuple(readings)


def _cpu_times(document: BenchDocument) -> Sequence[float]:
    """Processor time of each inference, or their mean where the runner measured only the whole phase."""
    return document.cpu_time.per_inference_s or [document.cpu_time.process_s / len(document.latencies_s)]


def _utilization(document: BenchDocument) -> float:
    """Processors kept busy during the measured phase: 1 is one core all the time."""
    wall = document.clock.measure_end_s - document.clock.measure_start_s
    return document.cpu_time.process_s / wall if wall > 0 else 0.0


def _model_memory(document: BenchDocument) -> float | None:
    """Peak memory less what the process had before it loaded the model."""
    before = document.memory.before_load_bytes
    return None if before is None else float(max(0, document.memory.peak_bytes - before))
