"""A device's kinds of CPUs, a sustained run and a sweep, in words and cells."""

from collections.abc import Iterator, Sequence

from exporter.data.facts.sweep import Sweep, SweepRow
from exporter.data.units import format_time
from profilers.curve import Knee, SustainedCurve, Window
from profilers.readings import CoreGroup

SWEEP_COLUMNS = ("setting", "CPUs", ">p50", ">95 % confidence", ">p90", ">CPU time", ">memory", "ran on", "")
WINDOW_COLUMNS = ("from", ">p50", ">inferences", ">temperature", ">CPU frequency")


def cores_words(groups: Sequence[CoreGroup]) -> str:
    """``CPUs: little 0-3 (1800 MHz), big 4-7 (2850 MHz)``; empty where they are alike or not told."""
    if len(groups) < 2:
        return ""
    return "CPUs: " + ", ".join(f"{one.name} {numbers(one.cpus)}{_strength(one)}" for one in groups)


def _strength(group: CoreGroup) -> str:
    told = [f"{group.max_hz / 1e6:.0f} MHz"] if group.max_hz else []
    told += [f"capacity {group.capacity}"] if group.capacity else []
    return f" ({', '.join(told)})" if told else ""


def numbers(cpus: Sequence[int]) -> str:
    """``0-3,6``."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else str(one[0]) for one in parts)


def span_words(seconds: float) -> str:
    """``45 s`` or ``3 min 20 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def sustained_words(curve: SustainedCurve) -> str:
    """How the run went, in a sentence."""
    first, last = (format_time(window.p50_s) for window in (curve.windows[0], curve.windows[-1]))
    ends = f"{span_words(curve.length_s)} without pause: p50 {first} at first, {last} at last"
    if curve.knee is None:
        return f"{ends}; no knee: nothing shows that it got slower for good"
    return f"{ends}; {knee_words(curve.knee)}"


def knee_words(knee: Knee) -> str:
    """From when on it was slower, by how much, and what else was seen."""
    rise = 100 * (knee.after_s / knee.before_s - 1)
    what = {True: "it throttles", False: "it is slower", None: "it is slower"}[knee.throttled]
    from_to = f"{format_time(knee.before_s)} to {format_time(knee.after_s)}"
    return f"{what} from {span_words(knee.at_s)} on, by {rise:.0f} % ({from_to}): {knee.words}"


def window_cells(window: Window) -> list[str]:
    """A row of `WINDOW_COLUMNS`."""
    hertz = ", ".join(f"{name} {value / 1e6:.0f} MHz" for name, value in window.frequency_hz.items())
    warm = "" if window.temperature_k is None else f"{window.temperature_k - 273.15:.1f} °C"
    return [span_words(window.start_s), format_time(window.p50_s), str(window.inferences), warm or "–", hertz or "–"]


def sweep_cells(row: SweepRow, best: str | None) -> list[str]:
    """A row of `SWEEP_COLUMNS`."""
    time = [None if value is None else format_time(value) for value in (row.p50_s, row.p90_s, row.cpu_time_s)]
    low, high = row.p50_low_s, row.p50_high_s
    between = "–" if low is None or high is None else f"{format_time(low)} to {format_time(high)}"
    memory = "–" if row.memory_bytes is None else f"{row.memory_bytes / 1e6:.1f} MB"
    cells = [time[0] or "–", between, time[1] or "–", time[2] or "–", memory, row.ran_on or "–"]
    return [row.setting, numbers(row.cpus) or "any", *cells, _remark(row, best)]


def _remark(row: SweepRow, best: str | None) -> str:
    mark = "lowest median" if row.setting == best else "no difference shown" if row.tied else ""
    return "; ".join(filter(None, [mark, row.caveat]))


def sweep_lines(sweep: Sweep) -> Iterator[str]:
    """The settings as a table of plain text, and the answer."""
    table = [[name.removeprefix(">") for name in SWEEP_COLUMNS], *(sweep_cells(row, sweep.best) for row in sweep.rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(SWEEP_COLUMNS))]
    yield f"settings on {sweep.device}, whose processes took turns"
    for row in table:
        cells = zip(SWEEP_COLUMNS, row, widths, strict=True)
        laid = (cell.rjust(width) if name.startswith(">") else cell.ljust(width) for name, cell, width in cells)
        yield f"  {'  '.join(laid)}".rstrip()
    yield sweep.answer
