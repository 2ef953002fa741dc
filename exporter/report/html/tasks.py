"""How well artifacts do their tasks as the page shows it."""

from collections.abc import Sequence
from typing import Any

from exporter.data.facts.drawings import Shown
from exporter.data.facts.parity import Parity
from exporter.report.tasks import CLASS_COLUMNS, COLUMNS, class_rows, rows


def tasks(parities: Sequence[tuple[str, Parity]]) -> dict[str, Any] | None:
    """Metrics of every artifact, and those of classes below; None where no task was measured.

    Args:
        parities: with what each is of.
    """
    measured = [row for subject, parity in parities for row in rows(subject, parity)]
    if not measured:
        return None
    return {
        "columns": _columns(COLUMNS),
        "rows": measured,
        "classes": _classes(parities),
        "worst": [_worst(subject, one) for subject, parity in parities if parity.task for one in parity.task.shown],
    }


def _classes(parities: Sequence[tuple[str, Parity]]) -> list[dict[str, Any]]:
    return [
        {
            "title": f"{subject}: {metric.title} a class, the worst first",
            "columns": _columns(CLASS_COLUMNS),
            "rows": list(class_rows(metric)),
        }
        for subject, parity in parities
        if parity.task is not None
        for metric in parity.task.metrics
        if metric.classes
    ]


def _worst(subject: str, one: Shown) -> dict[str, Any]:
    """An example, and each thing that was made of it under its title."""
    drawings = [("source", one.source), (subject, one.artifact)]
    return {
        "title": f"{subject}, {one.name}: {one.metric} is worse by {one.loss:.3g} on this example",
        "example": one,
        "drawings": drawings if one.truth is None else [("labels", one.truth), *drawings],
    }


def _columns(names: Sequence[str]) -> list[tuple[str, bool]]:
    """Their titles, and whether they hold figures."""
    return [(name.removeprefix(">"), name.startswith(">")) for name in names]
