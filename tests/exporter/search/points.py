"""Points with typical values; a test gives those that it is about."""

from typing import Any

from exporter.data.facts.points import Loss, Plan, Point
from exporter.data.facts.storage import Storage
from exporter.data.verdict import Status, Verdict

TABLE, GRID = Storage(form="table", bits=4, granularity="per_tensor"), Storage(form="grid", bits=8)


def plan(key: str = "0", **changes: Any) -> Plan:
    given = {"key": key, "target": "ios", "variant": "weights", "role": "bisection", "why": "a first guess"}
    return Plan.model_validate({**given, "settings": "", **changes})


def loss(value: float, around: float = 0.1, **changes: Any) -> Loss:
    """Top-1 points, with an interval of this half width."""
    given = {"title": "top-1", "unit": "points", "low": value - around, "high": value + around}
    return Loss.model_validate({**given, "value": value, "examples": 500, "against": "labels", **changes})


def point(key: str, size: int | None, lost: Loss | float | None = 0.0, **changes: Any) -> Point:
    given = loss(lost) if isinstance(lost, float) else lost
    return Point(plan=changes.pop("plan", plan(key)), size_bytes=size, loss=given, **changes)


def verdict(value: float | None, limit: float, metric: str = "size", **changes: Any) -> Verdict:
    """That the value is at most the limit."""
    status = Status.NOT_CHECKED if value is None else Status.PASSED if value <= limit else Status.FAILED
    given = {"subject": "ios", "metric": metric, "unit": "B", "status": status, "reason": "not measured"}
    margin = None if value is None else limit - value
    return Verdict.model_validate({**given, "value": value, "limit": limit, "margin": margin, **changes})
