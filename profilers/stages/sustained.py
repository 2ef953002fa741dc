"""Sustained latency: the last tenth of a long run without pause, which is what a warm device gives."""

from typing import Any

from profilers.bench import Findings, Work
from profilers.readings import Obtained, Reading, unavailable

METRIC = "latency.sustained"
LAST_SHARE = 10


def sustained(work: Work[Any]) -> Findings:
    """Implements `Stage`; nothing where the plan leaves it out."""
    seconds, like = work.plan.sustained_s, work.readings[0]
    if not seconds:
        return Findings()
    at = work.clock.utc()
    latencies = work.bench.reader.latencies(work.run(min_s=seconds))
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
    return Findings((reading,))
