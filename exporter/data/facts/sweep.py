"""Sweep: one model on one device under several settings, and which of them is the fastest, if any can be told."""

from collections.abc import Sequence

from exporter.data.base import Frozen
from exporter.data.facts.profile import DeviceProfile, Measured, measured
from exporter.data.units import format_time

LEAST_PROCESSES = 3
"""A setting: inferences of one process are alike, and processes of one setting are not."""


class SweepRow(Frozen):
    """One setting.

    Attributes:
        setting: as it was asked for: ``threads=2 cpus=big``.
        cpus: that it was bound to; empty for any.
        p50_s: of the latency; None where it was not measured, or not where it was asked for.
        p50_low_s: beginning of its 95 % interval.
        p50_high_s: end of it.
        p90_s: of the latency.
        cpu_time_s: median processor time of an inference.
        memory_bytes: highest memory of a process.
        ran_on: the unit that did the work; None where nothing was measured.
        caveat: why its figure is not to be ranked, or what disturbed it; None where nothing did.
        tied: whether no difference from the fastest is shown.
    """

    setting: str
    cpus: tuple[int, ...] = ()
    p50_s: float | None = None
    p50_low_s: float | None = None
    p50_high_s: float | None = None
    p90_s: float | None = None
    cpu_time_s: float | None = None
    memory_bytes: float | None = None
    ran_on: str | None = None
    caveat: str | None = None
    tied: bool = False


class Sweep(Frozen):
    """The settings of one device.

    Attributes:
        device: its serial.
        rows: in the order in which they were asked for.
        best: the setting with the lowest median latency; None where no other one was measured, or none at all.
        answer: a sentence: which is the fastest, and from which no difference is shown.
    """

    device: str
    rows: tuple[SweepRow, ...]
    best: str | None
    answer: str


def sweep_of(device: str, settings: Sequence[str], found: Sequence[DeviceProfile]) -> Sweep:
    """The settings of a device, whose processes took turns.

    Two settings differ where the 95 % intervals of their medians do not overlap.

    Args:
        device: its serial.
        settings: their titles.
        found: a profile of each, in the same order.
    """
    rows = [_row(title, item) for title, item in zip(settings, found, strict=True)]
    ranked = sorted((row for row in rows if _end(row) is not None), key=lambda row: row.p50_s or 0.0)
    if len(ranked) < 2:
        return Sweep(device=device, rows=tuple(rows), best=None, answer="Fewer than two settings can be ranked.")
    best = ranked[0]
    if any(0 < _processes(item) < LEAST_PROCESSES for item in found):
        figure = f"{best.setting} has the lowest median, {format_time(best.p50_s or 0.0)}"
        answer = (
            f"{figure}; whether it is the fastest is not checked: that takes {LEAST_PROCESSES} processes a setting."
        )
        return Sweep(device=device, rows=tuple(rows), best=best.setting, answer=answer)
    tied = {row.setting for row in ranked if (row.p50_low_s or 0.0) <= (best.p50_high_s or 0.0)}
    told = tuple(row.model_copy(update={"tied": row.setting in tied}) for row in rows)
    return Sweep(device=device, rows=told, best=best.setting, answer=_answer(best, ranked, tied))


def _processes(profile: DeviceProfile) -> int:
    """Of which there is a latency; a lost device leaves fewer than were planned."""
    readings = () if profile.result is None else profile.result.readings
    return max((max(1, len(one.groups)) for one in readings if one.metric == "latency" and one.samples), default=0)


def _answer(best: SweepRow, ranked: Sequence[SweepRow], tied: set[str]) -> str:
    others = [row.setting for row in ranked[1:] if row.setting in tied]
    figure = f"{best.setting} has the lowest median, {format_time(best.p50_s or 0.0)}"
    if len(others) == len(ranked) - 1:
        return f"No difference shown between the settings: {figure}, and the intervals of all others overlap with it."
    if others:
        return f"{figure}; no difference shown from {', '.join(others)}: their intervals overlap."
    return f"{best.setting} is the fastest: {format_time(best.p50_s or 0.0)}; no other interval reaches it."


def _end(row: SweepRow) -> float | None:
    return row.p50_high_s if row.p50_s is not None else None


def _row(title: str, item: DeviceProfile) -> SweepRow:
    result = item.result
    if result is None or not result.readings:
        return SweepRow(setting=title, caveat=item.error or "it was not measured")
    facts = measured(result.readings, min(one.taken_at for one in result.readings))
    ran_on = next((one.conditions.get("ran_on") for one in result.readings if "ran_on" in one.conditions), None)
    asked = result.plan.accelerator
    row = SweepRow(setting=title, cpus=result.plan.cpus, ran_on=ran_on, **_figures(facts))
    if asked != "cpu" and ran_on != asked:
        # A figure of another unit is none of the setting's.
        words = f"the {asked.upper()} did not take all of it (it ran on: {ran_on or 'unknown'})"
        return SweepRow(setting=title, cpus=row.cpus, ran_on=ran_on, caveat=words)
    return row.model_copy(update={"caveat": item.error or facts.disturbed})


def _figures(facts: Measured) -> dict[str, float]:
    by_metric = {one.metric: one.statistics for one in facts.readings if one.statistics is not None}
    found: dict[str, float] = {}
    if "latency" in by_metric:
        latency = by_metric["latency"]
        found |= {
            "p50_s": latency.p50,
            "p50_low_s": latency.p50_low,
            "p50_high_s": latency.p50_high,
            "p90_s": latency.p90,
        }
    elif "latency.p50" in by_metric:
        told = by_metric["latency.p50"]
        found |= {"p50_s": told.p50, "p50_low_s": told.p50_low, "p50_high_s": told.p50_high}
    if "cpu_time" in by_metric:
        found["cpu_time_s"] = by_metric["cpu_time"].p50
    if "memory.peak" in by_metric:
        found["memory_bytes"] = by_metric["memory.peak"].max
    return found
