"""How well artifacts do their tasks as the page shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporter.data.facts.parity import Parity
from exporter.report.html.plots.drawn import worst
from exporter.report.tasks import CLASS_COLUMNS, COLUMNS, class_rows, rows


def tasks(parities: Sequence[tuple[str, Parity]], pictures: Mapping[str, str]) -> dict[str, Any] | None:
    """Metrics of every artifact, and those of classes below; None where no task was measured.

    Args:
        parities: with what each is of.
        pictures: of their worst examples, in base64 by name.
    """
    measured = [row for subject, parity in parities for row in rows(subject, parity)]
    if not measured:
        return None
    return {
        "columns": _columns(COLUMNS),
        "rows": measured,
        "classes": _classes(parities),
        "worst": worst(parities, pictures),
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


def _columns(names: Sequence[str]) -> list[tuple[str, bool]]:
    """Their titles, and whether they hold figures."""
    return [(name.removeprefix(">"), name.startswith(">")) for name in names]
