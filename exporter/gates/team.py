"""The team's budgets: absolute limits, growth against a baseline, slow drift against an older anchor."""

import fnmatch
from collections.abc import Iterator, Sequence

from exporter.config.budgets import Budget, Growth
from exporter.data.facts.sizes import ByteCount, Measurement
from exporter.data.units import format_bytes, format_change, format_size
from exporter.data.verdict import Status, Verdict
from exporter.gates.baseline import Baseline, Sizes, sizes_of
from exporter.gates.byte_limits import TOTAL, Gates, grade, judge_bytes, missing, sum_sizes
from exporter.gates.judge import not_checked


def team_verdicts(
    subjects: Sequence[Measurement], measurements: Sequence[Measurement], gates: Gates
) -> Iterator[Verdict]:
    """Every verdict of the budgets file and the command line on `subjects`: the `measurements` and their total."""
    used = set()
    for number, budget in enumerate(gates.budgets.budgets):
        for found in subjects:
            if budget.is_for(found.subject):
                for verdict in _budget_verdicts(found, budget, gates, measurements):
                    used.add(number)
                    yield verdict
        if number not in used:
            yield _without_subject(budget)


def _without_subject(budget: Budget) -> Verdict:
    what = f"model {budget.model!r} of {budget.subject!r}" if budget.model else repr(budget.subject)
    reason = f"nothing that was measured is {what}: the budget is not checked."
    severity = grade(budget.severity)
    return not_checked(budget.subject, budget.metric, "B", reason, limit=budget.max, severity=severity)


def _budget_verdicts(
    found: Measurement, budget: Budget, gates: Gates, measurements: Sequence[Measurement]
) -> Iterator[Verdict]:
    for name, now in _judged(found, budget):
        size = now.figure(budget.metric)
        if size is None:
            yield missing(found, budget.metric, f"{budget.metric}.max", budget.severity)
            continue
        if budget.max is not None:
            yield judge_bytes(
                name, f"{budget.metric}.max", size, budget.max, f"its {budget.metric}", severity=budget.severity
            )
        for kind, allowed, before, where in (
            ("growth", budget.growth, gates.baseline, gates.baseline_name),
            ("drift", budget.drift, gates.anchor, gates.anchor_name),
        ):
            if allowed is not None:
                model = name.removeprefix(f"{found.subject}/") if budget.model is not None else None
                old = _before(before, found, model, budget.metric, measurements)
                yield _growth_verdict(name, f"{budget.metric}.{kind}", size, old, allowed, budget.severity, where)


def _judged(found: Measurement, budget: Budget) -> Iterator[tuple[str, Sizes]]:
    sizes = sizes_of(found)
    if budget.model is None:
        yield found.subject, sizes
        return
    for name, model in sizes.models.items():
        if any(fnmatch.fnmatchcase(text, budget.model) for text in (name, name.rpartition("/")[2])):
            yield f"{found.subject}/{name}", model


def _before(
    baseline: Baseline | None, found: Measurement, model: str | None, metric: str, measurements: Sequence[Measurement]
) -> ByteCount | None:
    if baseline is None:
        return None
    if found.subject == TOTAL:
        olds = [baseline.find(one.subject, alone=False) for one in measurements]
        return sum_sizes([None if old is None else old.figure(metric) for old in olds])
    old = baseline.find(found.subject, alone=len(measurements) == 1)
    if old is not None and model is not None:
        known = old.models.get(model)
        return None if known is None else known.figure(metric)
    return None if old is None else old.figure(metric)


def _without_baseline(subject: str, metric: str, severity: str, where: str) -> Verdict:
    option = "--anchor" if metric.endswith("drift") else "--baseline"
    told = f"{where} has no figure for it" if where else f"no {option} is given"
    reason = f"there is no baseline: {told}. Write one with --write-baseline FILE."
    return not_checked(subject, metric, "B", reason, severity=grade(severity))


def _growth_verdict(
    subject: str, metric: str, now: ByteCount, before: ByteCount | None, allowed: Growth, severity: str, where: str
) -> Verdict:
    """The growth in bytes against the allowance in bytes; a percentage is turned into whole bytes of the old size."""
    if before is None:
        return _without_baseline(subject, metric, severity, where)
    limit = allowed.limit_bytes(before.value)
    change = now.value - before.value
    rounded = now.rounded or before.rounded
    low, high = (now.low - before.high, now.high - before.low) if rounded else (change, change)
    status = Status.FAILED if low > limit else Status.PASSED if high <= limit else Status.NOT_CHECKED
    shown = format_change(change, before.value)
    if format_size(abs(change)) == format_size(limit) and change != limit:
        shown = f"{'+' if change >= 0 else '-'}{format_bytes(abs(change))}"
    reason = (
        f"it changed by {shown} from {format_size(before.value)} in {where}; "
        f"allowed is {allowed.words()}, {format_bytes(limit)}"
    )
    if status is Status.NOT_CHECKED:
        reason += "; the figures are rounded more coarsely than that, so this cannot tell"
    return Verdict(
        subject=subject,
        metric=metric,
        value=change,
        unit="B",
        limit=limit,
        status=status,
        margin=limit - change,
        severity=grade(severity),
        reason=reason + ".",
    )
