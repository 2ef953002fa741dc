"""How right the artifacts of a run are against how large they are: the source and the limits are in the same plot."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from exporter.data.facts.parity import Parity
from exporter.data.facts.task import MetricFact
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.units import format_size
from exporter.report.html.plots.axes import Axis, cost_axis, value_axis
from exporter.report.html.plots.field import Field, Key, Line, Spot

_EXACT_DB = 20.0
"""So far above all others stands an artifact without any difference."""


class Look(NamedTuple):
    """How marks of one format are drawn."""

    title: str
    shape: str
    tone: str


class Figure(NamedTuple):
    """What is plotted against size.

    Attributes:
        values: by target.
        source: the source's own; None where the figure compares both.
        limits: the least or most that targets allow, with their names.
    """

    title: str
    unit: str
    values: dict[str, float]
    source: float | None
    limits: dict[float, list[str]]

    def words(self, value: float) -> str:
        """A value with its unit."""
        return "exact" if math.isinf(value) else f"{value:.4g} {self.unit}".rstrip()


Compared = Sequence[tuple[TargetRecord, Parity]]


def accuracy_plot(record: RunRecord, looks: Mapping[str, Look]) -> Field | None:
    """Top-1, else the task's first metric, else SNR, against bytes; None where nothing was compared.

    Args:
        record: of the run.
        looks: by format.
    """
    made = [target for target in record.targets if target.artifact is not None]
    rows = [(target, one) for target in made for one in target.parities[:1] if not one.not_compared]
    figure = _top1(rows) or _task(rows) or _snr(rows)
    if figure is None:
        return None
    sizes = {target.name: target.artifact.size_bytes for target, _ in rows if target.artifact}
    left_out = [target.name for target in made if target.name not in figure.values]
    return _field(record, figure, sizes, {target.name: looks[target.format] for target, _ in rows}, left_out)


def _top1(rows: Compared) -> Figure | None:
    if not rows or any(parity.top1 is None for _, parity in rows):
        return None
    values = {target.name: 100 * (parity.top1 or 0.0) for target, parity in rows}
    source = next((100 * one.source_top1 for _, one in rows if one.source_top1 is not None), None)
    limits = _limits(rows, "accuracy.top1_drop", lambda limit: None if source is None else source - limit)
    return Figure("top-1", "%", values, source, limits)


def _task(rows: Compared) -> Figure | None:
    first = next((parity.task.metrics[0] for _, parity in rows if parity.task and parity.task.metrics), None)
    if first is None:
        return None
    found = {target.name: one for target, parity in rows if (one := _metric(parity, first.name)) is not None}
    values = {name: one.artifact for name, one in found.items() if math.isfinite(one.artifact)}
    if not values:
        return None
    sign = -1 if first.higher_is_better else 1
    gate = f"task.{first.tolerance.removesuffix('_points').removesuffix('_db')}"
    limits = _limits(rows, gate, lambda limit: first.source + sign * limit)
    return Figure(first.title, first.unit, values, first.source if math.isfinite(first.source) else None, limits)


def _metric(parity: Parity, name: str) -> MetricFact | None:
    return next((one for one in parity.task.metrics if one.name == name), None) if parity.task else None


def _snr(rows: Compared) -> Figure | None:
    values = {target.name: math.inf if one.snr_db is None else one.snr_db for target, one in rows}
    values = {name: value for name, value in values.items() if not math.isnan(value) and value != -math.inf}
    return Figure("SNR", "dB", values, None, _limits(rows, "parity.snr", lambda limit: limit)) if values else None


def _limits(rows: Compared, metric: str, level: Callable[[float], float | None]) -> dict[float, list[str]]:
    found: dict[float, list[str]] = {}
    for target, _ in rows:
        given = (one.limit for one in target.verdicts if one.metric == metric and one.limit is not None)
        for limit in given:
            if (place := level(limit)) is not None:
                found.setdefault(place, []).append(target.name)
    return found


def _field(
    record: RunRecord, figure: Figure, sizes: Mapping[str, int], looks: Mapping[str, Look], left_out: Sequence[str]
) -> Field:
    source = record.source.size_bytes
    budgets = _budgets(record, figure)
    drawn = [*(sizes[name] for name in figure.values), *([source] if figure.source is not None else [])]
    x = cost_axis(drawn, list(budgets), format_size)
    finite = [value for value in figure.values.values() if math.isfinite(value)] or [0.0]
    top = [max(finite) + _EXACT_DB] if any(map(math.isinf, figure.values.values())) else []
    y = value_axis([*finite, *top, *([figure.source] if figure.source is not None else [])], list(figure.limits))
    spots = [_spot(number, name, figure, sizes[name], looks[name], x, y) for number, name in _numbered(figure)]
    if figure.source is not None:
        words = f"source: {format_size(source)} in float32, {figure.title} {figure.words(figure.source)}"
        spots.append(Spot("source", words, "cross", "", x.place(source), 100 - y.place(figure.source), "of-source"))
    return Field(
        title=f"{figure.title} against size",
        x_title="size of the artifact",
        y_title=f"{figure.title}{f' in {figure.unit}' if figure.unit else ''}",
        x=x,
        y=y,
        spots=spots,
        across=[_line(x.place(at), f"size budget {format_size(at)}", names) for at, names in _inside(budgets, x)],
        level=[_line(100 - y.place(at), f"limit {figure.words(at)}", names) for at, names in _inside(figure.limits, y)],
        keys=list(_keys(figure, looks)),
        remarks=list(_remarks(figure, budgets, x, y, left_out)),
    )


def _numbered(figure: Figure) -> Iterator[tuple[int, str]]:
    return enumerate(figure.values, 1)


def _spot(number: int, name: str, figure: Figure, size: int, look: Look, x: Axis, y: Axis) -> Spot:
    value = figure.values[name]
    label = f"{name} ({look.title}): {format_size(size)}, {figure.title} {figure.words(value)}"
    top = 0.0 if math.isinf(value) else 100 - y.place(value)
    return Spot(str(number), label, look.shape, look.tone, x.place(size), top)


def _budgets(record: RunRecord, figure: Figure) -> dict[float, list[str]]:
    found: dict[float, list[str]] = {}
    for target in record.targets:
        limit = target.size_limits().get("size")
        if limit is not None and target.name in figure.values:
            found.setdefault(float(limit), []).append(target.name)
    return found


def _inside(marks: Mapping[float, list[str]], axis: Axis) -> Iterator[tuple[float, list[str]]]:
    return ((at, names) for at, names in sorted(marks.items()) if not axis.beyond(at))


def _line(place: float, words: str, names: Sequence[str]) -> Line:
    return Line(place, f"{words} ({names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''})")


def _keys(figure: Figure, looks: Mapping[str, Look]) -> Iterator[Key]:
    for look in dict.fromkeys(looks[name] for name in figure.values):
        yield Key(look.title, look.shape, look.tone)
    if figure.source is not None:
        yield Key("the source in float32", "cross")
    for number, name in _numbered(figure):
        yield Key(name, number=str(number))


def _remarks(
    figure: Figure, budgets: Mapping[float, list[str]], x: Axis, y: Axis, left_out: Sequence[str]
) -> Iterator[str]:
    beyond = [f"size budget {format_size(at)} ({', '.join(names)})" for at, names in budgets.items() if x.beyond(at)]
    beyond += [f"limit {figure.words(at)} ({', '.join(names)})" for at, names in figure.limits.items() if y.beyond(at)]
    if beyond:
        yield f"Beyond the plot: {'; '.join(beyond)}."
    if left_out:
        yield f"Not drawn, for there is no such figure: {', '.join(left_out)}."
