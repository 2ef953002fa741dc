"""The answer of a search in sentences: what to take, and what would have to give where nothing fits."""

from collections import Counter
from collections.abc import Mapping, Sequence

from exporter.data.facts.points import Loss, Point
from exporter.data.facts.storage import Storage
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Verdict
from exporter.search.front import Choice, choices

MISSES = 3
"""Points that are named where none is inside."""

ALONE = 2
"""Layers of a storage up to which each is named."""

WANTED = {"size": "compact", "latency": "compact", "energy": "compact", None: "balanced"}


def answer_of(target: str, points: Sequence[Point], minimize: str | None) -> tuple[str, Choice | None]:
    """What to take for a target, as a sentence, and the choice; the nearest misses where none is inside."""
    if not points:
        return f"{target}: nothing was tried.", None
    named = choices(points, minimize or "size")
    if not named:
        return f"{target}: nothing is inside every limit. {nearest(points)}", None
    chosen = next(one for one in named if one.name == WANTED[minimize])
    taken = f"take `{chosen.name}`: {figures(chosen.point)}, inside every budget; {shape(chosen.point)}"
    return f"{target}: {taken}{_saved(points, chosen.point)}", chosen


def _saved(points: Sequence[Point], chosen: Point) -> str:
    """By how much it is smaller than what the target asks for as it stands; empty where it is not."""
    own = next((point for point in points if point.plan.role == "own"), None)
    if own is None or not own.size_bytes or not chosen.size_bytes or chosen.size_bytes >= own.size_bytes:
        return ""
    return f"; {1 - chosen.size_bytes / own.size_bytes:.0%} smaller than by its own settings ({figures(own)})"


def figures(point: Point) -> str:
    """``1.71 MB, -0.4 points (top-1)``."""
    size = format_size(point.size_bytes) if point.size_bytes is not None else "no artifact"
    parts = [size, loss_text(point.loss)]
    return ", ".join([*parts, *latency_text(point)])


def latency_text(point: Point) -> list[str]:
    """``8 ms on R5CT123, 2026-11-26``; nothing where it was not measured."""
    if point.latency_s is None or point.latency_taken_at is None:
        return []
    return [f"{format_time(point.latency_s)} on {point.latency_where}, {point.latency_taken_at:%Y-%m-%d}"]


def loss_text(loss: Loss | None) -> str:
    """How the figure changed, signed as the figure is: a loss is below zero."""
    if loss is None:
        return "loss not measured"
    against = "" if loss.against == "labels" else ", against the source's own"
    return f"{0 - loss.value:+.2f} {loss.unit or ''} {loss.title}{against}".replace("  ", " ")


def shape(point: Point) -> str:
    """How its weights are stored: ``43 of 52 layers as 4-bit table, `classifier` as 8-bit grid``."""
    storages = point.plan.storages
    if not storages:
        return point.plan.why
    counts = Counter(one.name for one in storages.values()).most_common()
    usual, many = counts[0]
    parts = [f"{many} of {len(storages)} layers as {usual}"]
    parts += [_rest(name, count, storages) for name, count in counts[1:]]
    return ", ".join(parts)


def _rest(name: str, count: int, storages: Mapping[str, Storage]) -> str:
    if count > ALONE:
        return f"{count} as {name}"
    layers = " and ".join(f"`{layer}`" for layer, one in storages.items() if one.name == name)
    return f"{layers} as {name}"


def nearest(points: Sequence[Point]) -> str:
    """Which limits the best misses break, and by how much."""
    made = [point for point in points if point.size_bytes is not None and point.problems]
    if not made:
        errors = [point.error for point in points if point.error]
        return errors[0] if errors else "No loss was measured."
    near = sorted(made, key=lambda point: (len(point.problems), max(map(_excess, point.problems))))[:MISSES]
    return "Nearest: " + "; ".join(f"{figures(point)}: {_broken(point.problems)}" for point in near)


def _broken(problems: Sequence[Verdict]) -> str:
    return " and ".join(_given(one) for one in problems)


def _given(verdict: Verdict) -> str:
    """What would have to give."""
    if verdict.value is None or verdict.limit is None:
        return f"{verdict.metric} was not checked ({verdict.reason})"
    unit = "" if verdict.unit == "1" else f" {verdict.unit}"
    if verdict.unit == "B":
        return f"{verdict.metric} would have to be allowed {format_size(round(verdict.value))}"
    return f"{verdict.metric} would have to be allowed {verdict.value:.3g}{unit}"


def _excess(verdict: Verdict) -> float:
    """By what share of the limit it is broken."""
    if verdict.margin is None or not verdict.limit:
        return float("inf")
    return -verdict.margin / abs(verdict.limit)
