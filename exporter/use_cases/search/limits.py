"""What a search holds its points to: the targets with the budgets of the command line in them."""

from typing import Any

from exporter.data.errors import UsageProblem
from exporter.data.facts.parity import Parity
from exporter.data.facts.points import Loss
from exporter.data.settings.target import Target, Tolerances
from exporter.data.settings.task import TaskSettings
from exporter.tasks.registry import task_named
from exporter.use_cases.search.request import SearchRequest
from exporter.verification.paired import paired_drop

AGREEMENT = "same top class as the source"


def limited(target: Target, request: SearchRequest, task: TaskSettings | None, *, labelled: bool) -> Target:
    """The target with the budgets that the command line gives, which replace its own.

    Args:
        task: of the model.
        labelled: whether the evaluation data says what is true.

    Raises:
        UsageProblem: nothing that is measured says what a lost point is.
    """
    budgets: dict[str, Any] = {}
    if request.max_size is not None:
        budgets["size"] = request.max_size
    if request.max_latency_s is not None:
        budgets["latency_p50"] = request.max_latency_s
    changes: dict[str, Any] = {"budgets": target.budgets.model_copy(update=budgets)}
    if request.max_drop is not None:
        changes["tolerances"] = _tolerances(request.max_drop, task, labelled=labelled)
    return target.model_copy(update=changes)


def _tolerances(drop: float, task: TaskSettings | None, *, labelled: bool) -> Tolerances:
    if task is None:
        field, limit = ("top1_drop_points", drop) if labelled else ("top1_agreement", 1 - drop / 100)
        return Tolerances.model_validate({field: limit})
    metric = task_named(task.kind).metrics(task, "labels" if labelled else "source")[0]
    if isinstance(getattr(Tolerances(), metric.tolerance), dict):
        return Tolerances.model_validate({metric.tolerance: {metric.name: drop}})
    if metric.unit != "%":
        raise UsageProblem(
            f"--max-drop counts percentage points, and task {task.kind} measures {metric.title} in "
            f"{metric.unit or 'the unit of the outputs'}: set tolerances.{metric.tolerance} in the target instead."
        )
    return Tolerances.model_validate({metric.tolerance: drop})


def loss_of(parity: Parity) -> Loss | None:
    """The figure that the search goes by: the task's first, else accuracy on labels, else agreement."""
    if parity.task is not None and parity.task.metrics:
        first = parity.task.metrics[0]
        return Loss(
            title=first.title,
            unit="points" if first.unit == "%" else first.unit,
            value=first.loss,
            low=first.low,
            high=first.high,
            source=first.source,
            artifact=first.artifact,
            examples=parity.task.examples,
            against=parity.task.against,
        )
    return _accuracy(parity)


def _accuracy(parity: Parity) -> Loss | None:
    count = parity.samples
    if parity.top1 is not None and parity.source_top1 is not None and parity.top1_lost is not None:
        drop = paired_drop(parity.top1_lost, parity.top1_gained or 0, count)
        figures, against = (100 * parity.source_top1, 100 * parity.top1), "labels"
        title = "top-1"
    elif parity.top1_agreement is not None:
        drop = paired_drop(round((1 - parity.top1_agreement) * count), 0, count)
        figures, against, title = (100.0, 100 * parity.top1_agreement), "source", AGREEMENT
    else:
        return None
    value, low, high = (100 * one for one in drop)
    return Loss.model_validate(
        {
            "title": title,
            "unit": "points",
            "value": value,
            "low": low,
            "high": high,
            "source": figures[0],
            "artifact": figures[1],
            "examples": count,
            "against": against,
        }
    )
