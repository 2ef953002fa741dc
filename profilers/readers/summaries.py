"""Readings of a program called benchmark_model: summaries of each process.

Neither program exports its samples: each process gives one figure of each kind, so percentiles other than the median
and the 95th are not to be had.
"""

from collections.abc import Sequence
from typing import NamedTuple

from device_harness.runners.benchmark_model import Printed
from profilers.bench import Taken
from profilers.parse.litert.benchmark_model import BenchmarkSummary, parse_benchmark_text
from profilers.plan import ProfilePlan
from profilers.readings import Obtained, Reading, unavailable


class Figure(NamedTuple):
    """One quantity of every process; None where a process did not tell it."""

    metric: str
    unit: str
    told_by: str
    samples: tuple[float | None, ...]


class SummaryReader:
    """Implements `Reader` for what benchmark_model prints, with what /proc showed of its process."""

    def complaint(self, run: Printed) -> None:
        """The program says nothing of heat; one that misses what it must say is refused here, not at the end."""
        _summary(run)

    def readings(self, runs: Sequence[Printed], taken: Taken) -> tuple[Reading, ...]:
        """One reading a figure, one sample a process; what the program did not tell is unavailable."""
        summaries = [_summary(run) for run in runs]
        family = summaries[0].family
        conditions = {
            **taken.plan.conditions(),
            "runtime": f"benchmark_model {family}",
            "ran_on": ran_on(summaries, taken.plan),
        }
        return tuple(_reading(figure, taken, conditions) for figure in _figures(runs, summaries))

    def warnings(self, runs: Sequence[Printed]) -> tuple[str, ...]:
        """None: the program says nothing of the device."""
        del runs
        return ()

    def load(self, run: Printed) -> None:
        """It does not tell when it measured."""

    def latencies(self, run: Printed) -> tuple[float, ...]:
        """It gives no samples."""
        del run
        return ()


def ran_on(summaries: Sequence[BenchmarkSummary], plan: ProfilePlan) -> str:
    """What the program said of its delegate; a delegate that took nothing means the CPU."""
    if plan.accelerator == "cpu":
        return "cpu"
    told = {summary.delegation for summary in summaries}
    fully = {summary.fully_accelerated for summary in summaries}
    if told == {"complete"} or fully == {True}:
        return plan.accelerator
    if "none" in told:
        return "cpu"
    return "mixed" if "partial" in told or False in fully else "unknown"


def _summary(run: Printed) -> BenchmarkSummary:
    return parse_benchmark_text(run.text, "benchmark_model")


def _figures(runs: Sequence[Printed], summaries: Sequence[BenchmarkSummary]) -> tuple[Figure, ...]:
    source = f"benchmark_model ({summaries[0].family}), {summaries[0].count} inferences a process"
    uses = [run.seen.use for run in runs]
    return (
        Figure("latency.mean", "s", source, tuple(summary.mean_s for summary in summaries)),
        Figure("latency.p50", "s", source, tuple(summary.median_s for summary in summaries)),
        Figure("latency.p95", "s", source, tuple(summary.p95_s for summary in summaries)),
        Figure("load_time", "s", source, tuple(summary.init_s for summary in summaries)),
        Figure("first_inference", "s", source, tuple(summary.first_s for summary in summaries)),
        Figure("memory.growth", "B", source, tuple(summary.footprint_bytes for summary in summaries)),
        Figure("memory.peak", "B", "/proc/PID/status", tuple(use.peak_bytes for use in uses)),
        Figure("cpu_utilization", "1", "/proc/PID/stat", tuple(use.cpus for use in uses)),
    )


def _reading(figure: Figure, taken: Taken, conditions: dict[str, str]) -> Reading:
    facts = {**taken.facts, "conditions": conditions}
    known = tuple(sample for sample in figure.samples if sample is not None)
    if len(known) < len(figure.samples):
        reason = f"{figure.told_by} did not tell it of every process"
        return unavailable(figure.metric, figure.unit, reason, source=figure.told_by, **facts)
    return Reading(
        metric=figure.metric,
        unit=figure.unit,
        samples=known,
        groups=(1,) * len(known) if len(known) > 1 else (),
        source=figure.told_by,
        obtained=Obtained.MEASURED,
        taken_at=taken.at,
        **facts,
    )
