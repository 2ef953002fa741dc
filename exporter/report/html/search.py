"""A search as the page shows it."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from exporter.data.facts.points import Point
from exporter.data.facts.storage import Storage
from exporter.data.results.search import SearchResult
from exporter.data.units import format_size, format_time
from exporter.report.cells import one_line
from exporter.report.html.data import as_script
from exporter.report.html.plots.axes import Axis, change_axis, cost_axis
from exporter.report.html.plots.field import SHAPES
from exporter.report.renderer import View
from exporter.report.search import Answer, Row, answer, interval_text, limit_of, loss_limit, rows, table
from exporter.report.summary import excused, quantity, verdict_value
from exporter.search.answer import figures, latency_text, loss_text
from exporter.search.front import equal, front

STRIP_HEIGHT = 32
_PERCENT = {"points": " %"}


class Cost(NamedTuple):
    """What a plot has across.

    Attributes:
        field: of a point.
        minimize: the name that the front knows it by.
        metric: of the verdict that limits it.
    """

    title: str
    field: str
    minimize: str
    metric: str
    words: Callable[[float], str]


COSTS = (
    Cost("size", "size_bytes", "size", "size", format_size),
    Cost("latency", "latency_s", "latency", "latency.p50", format_time),
    Cost("energy", "energy_j", "energy", "energy.inference", lambda value: quantity(value, "J")),
)


def facts(result: SearchResult, view: View) -> dict[str, Any]:
    """What the template of a search needs."""
    points = [point for name in result.targets for point in result.of(name)]
    return {
        "result": result,
        "folder": str(result.folder),
        "answers": [answer(name, result) for name in result.targets],
        "inside": sum(point.inside for point in points),
        "failed": sum(point.error is not None for point in points),
        "tried": len(points),
        "targets": [_target(name, result) for name in result.targets],
        "layers": as_script([_layers(rows(name, result)) for name in result.targets]),
    }


def _target(name: str, result: SearchResult) -> dict[str, Any]:
    known = rows(name, result)
    variants = list(dict.fromkeys(row.point.plan.variant for row in known))
    looks = {variant: SHAPES[number % len(SHAPES)] for number, variant in enumerate(variants)}
    most = _most(known)
    titles, lines = table(known)
    shown = [{**_row(row, looks, most), "cells": line} for row, line in zip(known, lines, strict=True)]
    chosen = answer(name, result)
    return {
        "name": name,
        "columns": [(title.removeprefix(">"), title.startswith(">")) for title in titles],
        "rows": shown,
        "cards": [one for one in shown if one["names"]],
        "chosen": _number(chosen, known),
        "looks": looks,
        "plots": [plot for cost in COSTS if (plot := _plot(cost, result, known, looks))],
    }


def _most(known: Sequence[Row]) -> int:
    """Bits of any layer."""
    return max((one.bits for row in known for one in row.point.plan.storages.values()), default=1)


def _number(chosen: Answer, known: Sequence[Row]) -> int:
    """Of the point that is shown at first."""
    if chosen.choice is None:
        return 1
    return next(row.number for row in known if row.point == chosen.choice.point)


def _row(row: Row, looks: dict[str, str], most: int) -> dict[str, Any]:
    point = row.point
    figures_ = [
        ("loss", loss_text(point.loss)),
        ("95 % interval", interval_text(point.loss) if point.loss else ""),
        ("download", format_size(point.download_bytes) if point.download_bytes is not None else ""),
        ("latency", ", ".join(latency_text(point))),
        ("energy", quantity(point.energy_j, "J") if point.energy_j is not None else ""),
        ("of the float model", _share(point)),
    ]
    return {
        "row": row,
        "size": format_size(point.size_bytes) if point.size_bytes is not None else "no artifact",
        "names": ", ".join(row.names),
        "look": looks[point.plan.variant],
        "figures": [(name, value) for name, value in figures_ if value],
        "made": _made(point),
        "problems": [(one.metric, *verdict_value(one), excused(one)) for one in point.problems],
        "groups": _groups(point.plan.storages),
        "strip": list(_strip(point.plan.storages, most)),
        "most": most,
    }


def _share(point: Point) -> str:
    if point.size_bytes is None or not point.twin_bytes:
        return ""
    return f"{100 * point.size_bytes / point.twin_bytes:.0f} %"


def _made(point: Point) -> list[tuple[str, str]]:
    """How it was made, for who wants to know more."""
    plan = point.plan
    known = [
        ("weights", format_size(plan.weights_bytes) if plan.weights_bytes is not None else ""),
        ("predicted error", f"{plan.predicted_error:.3g}" if plan.predicted_error is not None else ""),
        *((name.replace("_", " "), _said(value)) for name, value in plan.knobs.items()),
        ("time", format_time(point.duration_s)),
        ("files", point.folder),
    ]
    return [(name, value) for name, value in known if value]


def _said(value: str | bool) -> str:
    return value if isinstance(value, str) else ("yes" if value else "no")


def _groups(storages: dict[str, Storage]) -> dict[str, list[str]]:
    """Layers by the storage that they have, the usual one first."""
    found: dict[str, list[str]] = {}
    for layer, storage in storages.items():
        found.setdefault(storage.name, []).append(layer)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _form(storage: Storage) -> str:
    return storage.form if storage.form in ("table", "grid") else "float"


def _strip(storages: dict[str, Storage], most: int) -> Iterator[tuple[str, str]]:
    """Bits by layer as one path a form: a layer is a bar of width 1, and `STRIP_HEIGHT` stands for the `most` bits."""
    bars: dict[str, list[str]] = {}
    for place, storage in enumerate(storages.values()):
        height = round(STRIP_HEIGHT * _height(storage.bits, most), 2)
        bars.setdefault(_form(storage), []).append(f"M{place} {STRIP_HEIGHT}v{-height:g}h.85v{height:g}z")
    return ((form, "".join(paths)) for form, paths in bars.items())


def _height(bits: int, most: int) -> float:
    """A share of the strip: by doublings, so that 4 and 8 bits are told apart beside a layer of 32."""
    return (1 + math.log2(bits)) / (1 + math.log2(most))


def _layers(known: Sequence[Row]) -> dict[str, Any]:
    storages = {one.name: one for row in known for one in row.point.plan.storages.values()}
    most = _most(known)
    places = {name: place for place, name in enumerate(storages)}
    names = list(dict.fromkeys(layer for row in known for layer in row.point.plan.storages))
    return {
        "layers": [one_line(name) for name in names],
        "storages": [[one.name, 100 * _height(one.bits, most), _form(one)] for one in storages.values()],
        "points": {
            row.number: [places[given[name].name] if name in given else -1 for name in names]
            for row in known
            if (given := row.point.plan.storages)
        },
    }


def _plot(cost: Cost, result: SearchResult, known: Sequence[Row], looks: dict[str, str]) -> dict[str, Any] | None:
    """A plot of what was lost against `cost`; None where no point has both."""
    shown = [row for row in known if _finite(row.point) and getattr(row.point, cost.field) is not None]
    if not shown:
        return None
    points = [row.point for row in shown]
    limits = limit_of(cost.metric, points), loss_limit(points)
    floats = [point.twin_bytes for point in points if point.twin_bytes] if cost.field == "size_bytes" else []
    marks = [mark for mark in (limits[0], *floats[:1]) if mark is not None]
    x = cost_axis([getattr(point, cost.field) for point in points], marks, cost.words)
    y = _changes(points, limits[1])
    loss = points[0].loss
    assert loss is not None
    return {
        "title": f"{loss.title} against {cost.title}",
        "x_title": _x_title(cost, points),
        "y_title": f"change of {loss.title}{f' in {loss.unit}' if loss.unit else ''}",
        "x": x,
        "y": y,
        "spots": [_spot(row, getattr(row.point, cost.field), x, y, looks) for row in shown],
        "joined": _joined(front(points, cost.minimize), cost, x, y),
        "limit": limits[0] and (limits[0], f"{cost.title} at most {cost.words(limits[0])}"),
        "most_lost": limits[1] and (-limits[1], f"{-limits[1]:+.3g} {loss.unit} allowed".replace("  ", " ")),
        "float": (floats[0], f"float model, {format_size(floats[0])}") if floats else None,
        "source": "source" if loss.source is None else f"source: {loss.source:.2f}{_PERCENT.get(loss.unit, '')}",
    }


def _finite(point: Point) -> bool:
    return point.loss is not None and math.isfinite(point.loss.value)


def _x_title(cost: Cost, points: Sequence[Point]) -> str:
    where = dict.fromkeys(point.latency_where for point in points) if cost.field == "latency_s" else {}
    return f"{cost.title} on {', '.join(where)}" if where else cost.title


def _changes(points: Sequence[Point], limit: float | None) -> Axis:
    losses = [point.loss for point in points if point.loss]
    trusted = [point.loss for point in points if point.loss and point.inside] or losses
    ends = [end for loss in trusted for end in (loss.value, loss.low, loss.high) if math.isfinite(end)]
    return change_axis([-end for end in (0.0, limit or 0.0, *ends)], [-loss.value for loss in losses])


def _spot(row: Row, across: float, x: Axis, y: Axis, looks: dict[str, str]) -> dict[str, Any]:
    loss = row.point.loss
    assert loss is not None
    place = {"front": "on the front", "inside": "inside every limit", "outside": "outside"}[row.place]
    return {
        "row": row,
        "look": looks[row.point.plan.variant],
        "left": x.place(across),
        "top": 100 - y.place(-loss.value),
        "whisker": (100 - y.place(-loss.low), 100 - y.place(-loss.high)),
        "below": -loss.value < y.low,
        "names": ", ".join(row.names),
        "label": f"{row.number}: {', '.join((*row.names, figures(row.point), row.point.plan.variant))}, {place}",
    }


def _joined(known: Sequence[Point], cost: Cost, x: Axis, y: Axis) -> dict[str, Any]:
    """The front's line, and the middles of its parts whose ends the sample cannot tell apart."""
    places = [(x.place(getattr(point, cost.field)), 100 - y.place(-point.loss.value)) for point in known if point.loss]
    pairs = zip(known, known[1:], places, places[1:], strict=False)
    same = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for one, other, a, b in pairs if equal(one, other)]
    return {"places": places, "same": same}
