"""How well an artifact does its task, and a target's tolerances, to verdicts."""

import math

from exporter.data.facts.parity import Parity
from exporter.data.facts.task import MetricFact, TaskFacts
from exporter.data.settings.target import Target, TaskTolerances, Tolerances
from exporter.data.verdict import Verdict
from exporter.gates.judge import judge, not_checked
from exporter.gates.parity import source_problem
from exporter.verification.paired import at_chance

NO_TASK = "[model] task does not say what the outputs mean"

WORST_CLASSES = 3
"""Classes that a sentence names."""


def task_verdicts(target: Target, parity: Parity | None, reason: str = "", *, strict: bool = False) -> list[Verdict]:
    """One verdict a tolerance of the target that a task answers.

    Args:
        parity: what was measured; None when nothing could be.
        reason: why nothing could be.
        strict: whether a limit that the sample cannot decide is not checked.
    """
    facts = None if parity is None else parity.task
    limits = _limits(target, frozenset() if facts is None else facts.agreed)
    if parity is None or facts is None:
        return [_unknown(target, key, limit, reason or NO_TASK) for key, limit in limits.items()]
    if problem := source_problem(parity):
        return [_unknown(target, key, limit, problem) for key, limit in limits.items()]
    found = {_key(metric): metric for metric in facts.metrics}
    return [
        _judged(target, key, limit, parity, facts, found[key], strict)
        if key in found
        else _unknown(target, key, limit, _not_measured(facts))
        for key, limit in limits.items()
    ]


Key = tuple[str, str]
"""A field of `Tolerances`, and a name where the field holds limits by name."""


def _limits(target: Target, agreed: frozenset[str]) -> dict[Key, float]:
    """Those that tasks alone answer; and of accuracy those that agreement does, for want of labels."""
    names = dict.fromkeys((*TaskTolerances.model_fields, *sorted(agreed)))
    fields = {key: getattr(target.tolerances, key) for key in names}
    tables = {key: value if isinstance(value, dict) else {"": value} for key, value in fields.items()}
    return {(key, name): limit for key, table in tables.items() for name, limit in table.items() if limit is not None}


def _key(metric: MetricFact) -> Key:
    return metric.tolerance, metric.name if isinstance(getattr(Tolerances(), metric.tolerance), dict) else ""


def _judged(
    target: Target, key: Key, limit: float, parity: Parity, facts: TaskFacts, metric: MetricFact, strict: bool
) -> Verdict:
    problem = _problem(facts, metric)
    if problem:
        return _unknown(target, key, limit, problem)
    undecided = metric.low <= limit < metric.high
    reason = _reason(parity, facts, metric)
    if undecided:
        reason += f"; {facts.examples} examples do not decide this limit: give more"
    if undecided and strict and metric.loss <= limit:
        return _unknown(target, key, limit, reason)
    return judge(target.name, _name(key), metric.loss, _unit(key), limit=limit, bound="at most", reason=reason)


def _unknown(target: Target, key: Key, limit: float, reason: str) -> Verdict:
    return not_checked(target.name, _name(key), _unit(key), reason, limit=limit)


def _name(key: Key) -> str:
    field, name = key
    return f"task.{name or field.removesuffix('_points').removesuffix('_db')}"


def _unit(key: Key) -> str:
    return "points" if key[0].endswith("_points") else "dB" if key[0].endswith("_db") else "1"


def _not_measured(facts: TaskFacts) -> str:
    measured = ", ".join(metric.name for metric in facts.metrics) or "nothing"
    return f"task {facts.task} measures {measured} {_against(facts)}"


def _against(facts: TaskFacts) -> str:
    return "on labels" if facts.against == "labels" else "against the source's own results, without labels"


def _problem(facts: TaskFacts, metric: MetricFact) -> str:
    """Why the figure says nothing of the artifact, as a sentence; empty when it does."""
    if facts.examples == 0 or math.isnan(metric.source):
        whose = "labels" if facts.against == "labels" else "the source's own results"
        return f"{whose} of {facts.examples} examples hold nothing that {metric.title} is of"
    if metric.useless or _is_guessing(facts, metric):
        return (
            f"the source itself has {metric.title} {_figure(metric, metric.source)} on {facts.examples} examples, so "
            "that it does not do this task, or no better than guessing: look at how [model] task reads the outputs, "
            "the labels and their order, and at --mean, --std and --color-order"
        )
    return ""


def _is_guessing(facts: TaskFacts, metric: MetricFact) -> bool:
    """Whether a guess is right as often."""
    guess = metric.guess
    if guess is None or facts.against != "labels":
        return False
    return at_chance(round(metric.source * guess.answers / 100), guess.answers, guess.share)


def _reason(parity: Parity, facts: TaskFacts, metric: MetricFact) -> str:
    sentence = (
        f"{metric.title} {_figure(metric, metric.artifact)} against the source's {_figure(metric, metric.source)}, the "
        f"loss {_interval(metric)} on {facts.examples} examples of {parity.data} in {parity.evaluator}, "
        f"{_against(facts)}"
    )
    worst = [one for one in metric.classes if one.source != one.artifact][:WORST_CLASSES]
    named = [f"{one.name} {_figure(metric, one.source)} to {_figure(metric, one.artifact)}" for one in worst]
    return sentence + (f"; worst {', '.join(named)}" if named else "")


def _interval(metric: MetricFact) -> str:
    if math.isinf(metric.low):
        return f"is {metric.loss:.3g}, its interval not known,"
    unit = "points" if metric.unit == "%" else metric.unit
    return f"is {metric.low:.3g} to {metric.high:.3g} {unit}".rstrip() + " with 95 % confidence"


def _figure(metric: MetricFact, value: float) -> str:
    if metric.unit == "%":
        return f"{value:.2f} %"
    return f"{value:.4g} {metric.unit}".rstrip()
