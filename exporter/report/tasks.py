"""How well artifacts do their tasks, brought to cells once for every renderer."""

import math
from collections.abc import Iterator

from exporter.data.facts.parity import Parity
from exporter.data.facts.task import ClassFigure, MetricFact, TaskFacts

COLUMNS = ("target", "metric", ">source", ">artifact", ">loss", ">95 % interval", "on")
"""Of a table of metrics; figures begin with ``>``."""
CLASS_COLUMNS = ("class", ">examples", ">source", ">artifact", ">change")
WORST_CLASSES = 20


def rows(subject: str, parity: Parity) -> Iterator[list[str]]:
    """A row of a table of `COLUMNS` for each metric of the task; none where there is no task."""
    if parity.task is not None:
        for metric in parity.task.metrics:
            yield [
                subject,
                metric.title,
                figure(metric, metric.source),
                figure(metric, metric.artifact),
                _lost(metric, _number(metric.loss)),
                _interval(metric),
                _on(parity.task),
            ]


def class_rows(metric: MetricFact) -> Iterator[list[str]]:
    """A row of a table of `CLASS_COLUMNS` for each class, the worst loss first."""
    for one in metric.classes[:WORST_CLASSES]:
        yield [
            one.name,
            str(one.examples),
            figure(metric, one.source),
            figure(metric, one.artifact),
            _lost(metric, _number(_change(one))),
        ]


def figure(metric: MetricFact, value: float) -> str:
    """With its unit."""
    if math.isnan(value):
        return "none"
    if metric.unit == "%":
        return f"{value:.2f} %"
    return f"{_number(value)} {metric.unit}".rstrip()


def _interval(metric: MetricFact) -> str:
    if math.isinf(metric.low):
        return "not known"
    return _lost(metric, f"{_number(metric.low)} to {_number(metric.high)}")


def _lost(metric: MetricFact, words: str) -> str:
    """Differences with their unit: those of shares are in points."""
    unit = "points" if metric.unit == "%" else metric.unit
    return words if words == "none" else f"{words} {unit}".rstrip()


def _change(one: ClassFigure) -> float:
    return one.artifact - one.source


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.4g}"


def _on(facts: TaskFacts) -> str:
    nothing = f", {facts.empty} of them empty" if facts.empty else ""
    against = "labels" if facts.against == "labels" else "the source's own results"
    return f"{against} of {facts.examples} examples{nothing}"
