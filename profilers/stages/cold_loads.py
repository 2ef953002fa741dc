"""Loads of a model whose file is read anew from storage: in processes of their own."""

from typing import Any

from device_harness.runners.bench_document import BenchDocument
from profilers.bench import Findings, Work
from profilers.readings import Obtained, Reading, unavailable

METRIC = "load_cold"


def cold_loads(work: Work[Any]) -> Findings:
    """Implements `Stage` for runners that print a bench document; nothing where the plan leaves it out."""
    if not work.plan.cold_loads:
        return Findings()
    at, like = work.clock.utc(), work.readings[0]
    once = {"warmup_runs": 1, "warmup_min_s": 0.0, "runs": 1, "min_s": 0.0}
    runs: list[BenchDocument] = [work.run(cold=True, **once) for _ in range(work.plan.cold_loads)]
    facts: dict[str, Any] = {
        "device": like.device,
        "environment": like.environment,
        "conditions": like.conditions,
        "source": like.source,
    }
    seconds = [run.loads.cold_s for run in runs if run.loads is not None and run.loads.cold_s is not None]
    if len(seconds) < len(runs):
        return Findings((unavailable(METRIC, "s", _why_not(runs), **facts),))
    groups = (1,) * len(seconds) if len(seconds) > 1 else ()
    cold = {"metric": METRIC, "unit": "s", "samples": tuple(seconds), "groups": groups, "taken_at": at, **facts}
    return Findings((Reading(obtained=Obtained.MEASURED, **cold),))


def _why_not(runs: list[BenchDocument]) -> str:
    stayed = [run.loads.in_page_cache for run in runs if run.loads is not None and run.loads.in_page_cache is not None]
    if not stayed:
        return "the system does not tell whether the file lies in the page cache"
    return (
        f"{max(stayed):.0%} of the file stayed in the page cache: its folder lies in memory, or something else uses it"
    )
