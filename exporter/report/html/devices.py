"""What was measured, device by device: a device's readings stand together, under its name, on one axis."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from exporter.data.facts.profile import Measured, Profile
from exporter.data.results.record import TargetRecord
from exporter.data.units import format_time
from exporter.report.device_words import WINDOW_COLUMNS, cores_words, sustained_words, window_cells
from exporter.report.html.plots.curves import panels
from exporter.report.html.plots.strips import strips
from exporter.report.readings import PERCENTILES, device_title, latency_percentiles, reading_value, slowest, taken_words
from profilers.curve import SustainedCurve
from profilers.summary import Statistics, Summary

HERE = "this machine"
Columns = list[tuple[str, bool]]
Words = TypeVar("Words")


class Entry(NamedTuple):
    """One model on one device.

    Attributes:
        name: of the model: its target, its file, or the device where one file is on many.
        tone: the style sheet's class of its format.
        profile: None for readings that a run took here.
    """

    name: str
    tone: str
    measured: Measured | None
    profile: Profile | None = None


def run_devices(targets: Sequence[TargetRecord], tones: dict[str, str]) -> Iterator[dict[str, Any]]:
    """This machine, then each device in the order of the profiles, with every target that it was given."""
    here = [Entry(one.name, tones[one.format], one.host) for one in targets if one.host is not None]
    if here:
        yield device_facts(HERE, "", here)
    entries: dict[str, list[Entry]] = {}
    for target in targets:
        for profile in target.profiles:
            entry = Entry(target.name, tones[target.format], profile.measured, profile)
            entries.setdefault(profile.device, []).append(entry)
    for found in entries.values():
        yield device_facts(*_named(found), found)


def file_devices(profiles: Sequence[Profile]) -> list[dict[str, Any]]:
    """The devices of one file."""
    return [
        device_facts(*_named([one]), [one])
        for one in (Entry(device_title(profile), "tone0", profile.measured, profile) for profile in profiles)
    ]


def overview(profiles: Sequence[Profile]) -> dict[str, Any]:
    """One file on all devices, on one axis."""
    return _latencies([Entry(device_title(one), "tone0", one.measured, one) for one in profiles if one.measured])


def _named(entries: Sequence[Entry]) -> tuple[str, str]:
    """Title of a device and what is known of it, from the entry that knows most."""
    known = [one.profile for one in entries if one.profile]
    best = max(known, key=lambda one: one.info is not None)
    info = best.info
    facts = (info.os, info.soc, info.connection) if info else ()
    return device_title(best), ", ".join(filter(None, facts))


def device_facts(title: str, about: str, entries: Sequence[Entry]) -> dict[str, Any]:
    """Everything of one device."""
    columns, rows = _table(entries)
    return {
        "title": title,
        "about": about,
        **_latencies([one for one in entries if one.measured]),
        "columns": columns,
        "rows": rows,
        "unavailable": list(_unavailable(entries)),
        "remarks": list(_remarks(entries)),
        "sustained": list(_sustained_runs(entries)),
        "cores": next((cores_words(one.profile.cores) for one in entries if one.profile and one.profile.cores), ""),
        "ops": [ops for one in entries if one.profile and (ops := _ops(one.name, one.profile))],
    }


def _sustained_runs(entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    return (_sustained(one.name, one.profile.sustained) for one in entries if one.profile and one.profile.sustained)


def _sustained(name: str, curve: SustainedCurve) -> dict[str, Any]:
    columns = [(title.removeprefix(">"), title.startswith(">")) for title in WINDOW_COLUMNS]
    rows = [window_cells(window) for window in curve.windows]
    words = {"name": name, "words": sustained_words(curve), "method": f"A knee is {curve.method}."}
    return {**words, "panels": panels(curve), "columns": columns, "rows": rows}


def _latencies(entries: Sequence[Entry]) -> dict[str, Any]:
    axis, drawn = strips([one.measured for one in entries])
    lines = [{**_line(one), "strip": strip} for one, strip in zip(entries, drawn, strict=True)]
    return {"axis": axis, "lines": lines}


def _line(entry: Entry) -> dict[str, Any]:
    assert entry.measured is not None
    latency = entry.measured.measured_latency()
    found = latency.statistics if latency else None
    return {
        "name": entry.name,
        "tone": entry.tone,
        "marks": list(marks(entry.profile)),
        "taken": taken_words(entry.measured),
        "caveats": entry.measured.caveats,
        "p50": format_time(found.p50) if found else "",
        "spread": _spread(found) if found else "No latency was measured.",
    }


def _spread(found: Statistics) -> str:
    """How sure the median is, and how far single inferences are from it."""
    middle = f"{format_time(found.p50_low)} to {format_time(found.p50_high)} with 95 % confidence"
    tail = f"p90 {format_time(found.p90)}, p99 {format_time(found.p99)}"
    return f"{middle}; {tail}; {found.count} inferences, {found.processes} processes"


def marks(profile: Profile | None) -> Iterator[str]:
    """Why its readings are not those of a device in earnest, in a word each."""
    if profile and profile.plan and profile.plan.quick:
        yield "quick desk check, not for comparison"
    if profile and profile.info and profile.info.environment != "device":
        yield profile.info.environment


def _table(entries: Sequence[Entry]) -> tuple[Columns, list[list[str]]]:
    """A row a model: percentiles of the latency, and the median of every other reading."""
    known = [one for one in entries if one.measured]
    metrics = dict.fromkeys(one.metric for entry in known for one in _others(entry))
    columns = [("", False), *((name, True) for name in (*PERCENTILES, *metrics)), ("measured", False)]
    return columns, [_row(one, list(metrics)) for one in known]


def _row(entry: Entry, metrics: Sequence[str]) -> list[str]:
    assert entry.measured is not None
    latency = latency_percentiles(entry.measured)
    ranks = [format_time(latency[rank]) if latency else "–" for rank in PERCENTILES]
    found = {one.metric: reading_value(one) for one in _others(entry)}
    taken = ", ".join([taken_words(entry.measured).removeprefix("measured "), *marks(entry.profile)])
    return [entry.name, *ranks, *(found.get(metric, "–") for metric in metrics), taken]


def _others(entry: Entry) -> list[Summary]:
    """Readings that have a figure, apart from the latency."""
    readings = entry.measured.readings if entry.measured else ()
    return [one for one in readings if one.metric != "latency" and one.statistics is not None]


def _unavailable(entries: Sequence[Entry]) -> Iterator[str]:
    """What could not be had and why."""
    said = [
        (entry.name, f"{one.metric}: {reading_value(one)}")
        for entry in entries
        for one in (entry.measured.readings if entry.measured else ())
        if one.statistics is None
    ]
    return (_once(words, names, entries) for words, names in _by_words(said))


def _remarks(entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """What must be said of the models there, with the style sheet's class of it."""
    said = [(entry.name, remark) for entry in entries if entry.profile for remark in _said(entry.profile)]
    return ((tone, _once(words, names, entries)) for (tone, words), names in _by_words(said))


def _said(profile: Profile) -> Iterator[tuple[str, str]]:
    if profile.error:
        yield "error", profile.error
    if profile.skipped:
        yield "warning", f"Not measured: {profile.skipped}"
    yield from (("warning", words) for words in profile.warnings)
    yield from (("warning", f"rejected: {words}") for words in profile.rejected)
    if profile.outputs:
        yield "muted", f"Outputs: {profile.outputs.reason}"


def _by_words(said: Sequence[tuple[str, Words]]) -> list[tuple[Words, list[str]]]:
    """The names that each was said of."""
    found: dict[Words, list[str]] = {}
    for name, words in said:
        found.setdefault(words, []).append(name)
    return list(found.items())


def _once(words: str, names: Sequence[str], entries: Sequence[Entry]) -> str:
    """With the names that it is of, unless that is all of several or the only one."""
    return words if len(names) == len(entries) else f"{words} ({', '.join(names)})"


def _ops(name: str, profile: Profile) -> dict[str, Any]:
    rows = [[f"{op.type} {op.name}", f"{100 * op.share:.1f} %", format_time(op.mean_s)] for op in slowest(profile.ops)]
    return {"name": name, "rows": rows} if rows else {}
