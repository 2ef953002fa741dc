"""Readings of bench documents: what the runners of this project print, on any device."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from device_harness.runners.bench_document import BenchDocument
from device_harness.runners.documents import reasons
from profilers.bench import Load, Taken
from profilers.readings import Obtained, Reading, unavailable
from profilers.watch.sampled import frequency_readings

# The system's thermal state from which on its clocks are held back: serious.
SERIOUS = 2


class DocumentReader:
    """Implements `Reader` for runners that print a `BenchDocument`."""

    def conditions(self, runs: Sequence[BenchDocument], taken: Taken) -> dict[str, str]:
        """What must be equal for two readings to be comparable."""
        ran_on = {run.acceleration.used for run in runs}
        turns = {"in_turns": "true"} if any(run.turns for run in runs) else {}
        return {**taken.plan.conditions(), "ran_on": ran_on.pop() if len(ran_on) == 1 else "mixed", **turns}

    def complaint(self, run: BenchDocument) -> str | None:
        """See `Reader.complaint`."""
        worst = max((state.state for state in run.thermal), default=0)
        if worst < SERIOUS:
            return None
        return f"the system reported thermal state {worst} of 3 (serious is {SERIOUS})"

    def readings(self, runs: Sequence[BenchDocument], taken: Taken) -> tuple[Reading, ...]:
        """Latency, load time, processor time, memory, and the frequencies that were sampled meanwhile."""
        readings = document_readings(runs, conditions=self.conditions(runs, taken), taken=taken)
        sampled = frequency_readings(taken.samples, runs, readings[0], taken.plan.sampling_interval_s)
        return (*readings, *sampled)

    def warnings(self, runs: Sequence[BenchDocument]) -> tuple[str, ...]:
        """See `Reader.warnings`."""
        seen = [battery for run in runs for battery in run.battery]
        found = []
        if any(battery.state in ("charging", "full") for battery in seen):
            found.append(
                "the device was charging: it is warmer than in a pocket, and its battery's current means nothing"
            )
        asked = runs[0].settings.accelerator
        if asked in ("gpu", "npu") and any(run.acceleration.used != asked for run in runs):
            said = reasons(tuple(dict.fromkeys(note for run in runs for note in run.acceleration.notes)))
            why = f"; the runtime said: {'; '.join(said)}" if said else "; the runtime does not say why"
            found.append(f"the {asked.upper()} did not take all of it{why}")
        if any(battery.low_power_mode for battery in seen):
            found.append("low power mode was on: the processors were held back")
        return tuple(found)

    def load(self, run: BenchDocument) -> Load:
        """See `Reader.load`."""
        return Load(run.clock, len(run.latencies_s), run.starts_s)

    def latencies(self, run: BenchDocument) -> Sequence[float]:
        """See `Reader.latencies`."""
        return run.latencies_s


def document_readings(
    documents: Sequence[BenchDocument], *, conditions: dict[str, str], taken: Taken
) -> tuple[Reading, ...]:
    """Latency, load time, processor time and memory of one model in one or several processes.

    Args:
        documents: one a process, in the order they ran; at least one.
        conditions: see `Reading.conditions`; the runtime is added to them.
        taken: when the first process began, and where.
    """
    runner = documents[0].runner
    facts = {
        **taken.facts,
        "source": f"{runner.name} {runner.version}, {runner.runtime}",
        "taken_at": taken.at,
        "conditions": {"runtime": runner.runtime, **conditions},
    }
    measured = partial(_measured, facts)
    readings = [
        _latency(facts, documents),
        measured("load_time", "s", [[document.load_s] for document in documents]),
        _in_turns(measured("cpu_time", "s", [_cpu_times(document) for document in documents]), documents),
        measured("cpu_utilization", "1", [[_utilization(document)] for document in documents]),
        measured("memory.peak", "B", [[document.memory.peak_bytes] for document in documents]),
    ]
    first = [document.warmup_latencies_s[:1] for document in documents]
    readings.extend(load_readings(documents, facts, measured))
    if all(first):
        readings.append(measured("first_inference", "s", first))
    own = [_model_memory(document) for document in documents]
    if all(value is not None for value in own):
        readings.append(measured("memory.model", "B", [[value] for value in own if value is not None]))
    return tuple(readings)


def load_readings(
    documents: Sequence[BenchDocument], facts: dict[str, Any], measured: Callable[..., Reading]
) -> Iterator[Reading]:
    """Compilation, and loads right after another, or with nothing to help them."""
    told = [document.loads for document in documents if document.loads is not None]
    compiled = [loads.compile_s for loads in told if loads.compile_s is not None]
    if compiled:
        yield measured("compile_time", "s", [[seconds] for seconds in compiled])
    warm = [loads.warm_s for loads in told if loads.warm_s is not None]
    if warm:
        yield measured("load_warm", "s", [[seconds] for seconds in warm])
    else:
        why = "no load is known to have had its whole file in the page cache" if told else "the runner does not tell"
        origin = {key: value for key, value in facts.items() if key != "taken_at"}
        yield unavailable("load_warm", "s", why, **origin)


def _measured(facts: dict[str, Any], metric: str, unit: str, parts: Sequence[Sequence[float]]) -> Reading:
    return Reading(
        metric=metric,
        unit=unit,
        samples=tuple(sample for part in parts for sample in part),
        groups=tuple(len(part) for part in parts) if len(parts) > 1 else (),
        obtained=Obtained.MEASURED,
        **facts,
    )


def _latency(facts: dict[str, Any], documents: Sequence[BenchDocument]) -> Reading:
    warmups = tuple(sample for document in documents for sample in document.warmup_latencies_s)
    latencies = [document.latencies_s for document in documents]
    return _in_turns(_measured({**facts, "warmup_samples": warmups}, "latency", "s", latencies), documents)


def _in_turns(reading: Reading, documents: Sequence[BenchDocument]) -> Reading:
    """With the turns of its processes, where it has a sample of every inference."""
    turns = tuple(count for document in documents for count in document.turns)
    return reading.model_copy(update={"turns": turns}) if sum(turns) == len(reading.samples) else reading


def _cpu_times(document: BenchDocument) -> Sequence[float]:
    """Processor time of each inference, or their mean where the runner measured only the whole phase."""
    return document.cpu_time.per_inference_s or [document.cpu_time.process_s / len(document.latencies_s)]


def _utilization(document: BenchDocument) -> float:
    """Processors kept busy during the measured phase, or its own turns of it: 1 is one core all the time."""
    if document.turns and document.cpu_time.per_inference_s:
        return sum(document.cpu_time.per_inference_s) / sum(document.latencies_s)
    wall = document.clock.measure_end_s - document.clock.measure_start_s
    return document.cpu_time.process_s / wall if wall > 0 else 0.0


def _model_memory(document: BenchDocument) -> float | None:
    """Peak memory less what the process had before it loaded the model."""
    before = document.memory.before_load_bytes
    return None if before is None else float(max(0, document.memory.peak_bytes - before))
