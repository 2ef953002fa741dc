"""What this machine reads of an artifact that it runs in fresh processes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from device_harness.runners.documents import DocumentRunner
from exporter.execution.stage import Stage
from exporter.store.tools import machine_facts
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.work import HostReadings, TargetWork
from profilers.host import host_readings
from profilers.plan import ProfilePlan
from profilers.readings import Reading
from profilers.steadiness import cpu_share, disturbance

HOST_PLAN = ProfilePlan(
    processes=2,
    warmup_runs=5,
    warmup_min_s=0.2,
    runs=50,
    min_s=0.5,
    cool_down=False,
    energy_repeats=3,
    idle_s=2,
    energy_s=2,
)

_READINGS = tuple[Reading, ...]
NAME = "readings"
TRIES = 3
"""How often disturbed readings are taken in the run that takes them first; once, where a run has waited so often."""


def read_here(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with readings of its artifact, and of the uncompressed twin where compression may have made it slower."""
    runner = work.format.host_runner()
    if runner is None or not model.request.measure:
        return work
    made, name = work.made, work.target.name
    own, cached = readings(model, runner, made.path, made.facts.sha256, name)
    if made.facts.sha256 == made.facts.twin_sha256 or not work.format.advice(work.target).compresses:
        return replace(work, host=HostReadings(own, from_cache=cached))
    plain = f"{name} without compression"
    twin, twin_cached = readings(model, runner, made.twin_path, made.facts.twin_sha256, plain)
    now = datetime.now(UTC) if cached or twin_cached else None
    return replace(work, host=HostReadings(own, twin, cached, now))


def readings(
    model: ModelAtHand, runner: DocumentRunner, path: Path, sha256: str, name: str
) -> tuple[tuple[Reading, ...], bool]:
    """Readings of an artifact on this machine, taken once a file and machine, and whether the cache had them.

    Those that other work disturbed are taken again, up to `TRIES` times, and once more in each later run; the least
    disturbed are kept. A machine that stays busy is not waited for at every artifact of a run. Whoever shows them says
    their age and what disturbed them; nothing is judged by disturbed ones.
    """
    decided_by = (sha256, machine_facts(), HOST_PLAN.model_dump(mode="json"))
    stage = Stage(NAME, name, f"Measuring {name} on this machine", decided_by, shared=False)
    best: tuple[Reading, ...] | None = model.stages.known(stage, _READINGS)
    if best is not None and disturbance(best) is None:
        return best, True
    kept = best
    for _ in range(max(1, TRIES - _taken_again(model)) if best is None else 1):
        again = " again, for other work disturbed it" if best is not None else ""
        with model.stages.working(replace(stage, says=f"{stage.says}{again}")):
            best = steadier(best, host_readings(path, HOST_PLAN, runner))
        if disturbance(best) is None:
            break
    assert best is not None, "TRIES is at least one"
    if best is not kept:
        model.stages.keep(stage, _READINGS, best)
    return best, best is kept


def _taken_again(model: ModelAtHand) -> int:
    """How often this run has taken readings again until now."""
    taken = [time.about for time in model.stages.times if time.name == NAME and not time.from_cache]
    return len(taken) - len({*taken})


def steadier(before: tuple[Reading, ...] | None, after: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """The readings that other work disturbed less; the later ones where nothing tells them apart."""
    if before is None or disturbance(after) is None:
        return after
    return before if (cpu_share(before) or 0.0) > (cpu_share(after) or 0.0) else after
