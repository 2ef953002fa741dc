"""Sizes against limits: store rules, the team's budgets, growth and drift, packaging; all of them, each one Verdict."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from exporter.budgets.baseline import Baseline, Sizes, sizes_of
from exporter.budgets.models import in_one_app
from exporter.budgets.packaging import Options
from exporter.budgets.settings import Budget, BudgetFile, Growth, Waiver
from exporter.budgets.stores import Selected
from exporter.budgets.types import ByteCount, Facet, Finding, Measurement
from exporter.units import format_bytes, format_change, format_size
from exporter.verdicts import Status, Verdict

TOTAL = "total"

_SCOPES = {
    "app-clip": "App Clip", "executable": "all executables", "install-time": "all of the first install", "apk": "APK",
    "on-demand": "all on-demand packs", "ai-pack": "AI pack", "ai-packs": "all AI packs",
    "background-assets": "all background assets",
}  # fmt: skip
_COUNTS = {
    "uncompressed": "uncompressed", "install": "installed", "download": "as a download", "text": "their __TEXT segments",
    "file": "as a file",
}  # fmt: skip


@dataclass(frozen=True)
class Gates:
    """Everything that sizes are judged by.

    Attributes:
        rules: store rules by subject, since a package may say its own minimum OS.
        budgets: the team's file, with the command line's budgets in it.
        baseline: the build before; None when there is none.
        anchor: an older build, for drift; None when there is none.
        today: for waivers and the age of rules.
    """

    today: dt.date
    rules: dict[str, list[Selected]] = field(default_factory=dict)
    budgets: BudgetFile = field(default_factory=BudgetFile)
    baseline: Baseline | None = None
    anchor: Baseline | None = None
    baseline_name: str = ""
    anchor_name: str = ""


def judge_sizes(measurements: Sequence[Measurement], gates: Gates, options: Options) -> list[Verdict]:
    """Every verdict on `measurements`; failures that a waiver covers are shown as warnings with the waiver."""
    whole = total(measurements, options)
    subjects = [*measurements, whole] if whole else list(measurements)
    verdicts: list[Verdict] = []
    for found in _for_stores(measurements, whole, options):
        rules = gates.rules.get(found.subject, [])
        for selected in rules:
            verdicts += _store_verdicts(found, selected, gates.today)
        if found is not whole:
            verdicts += _uncovered(found, rules)
    for found in measurements:
        verdicts += _own_limits(found)
        verdicts += _packaging(found, gates.budgets)
    verdicts += _team_verdicts(subjects, measurements, gates)
    return [_waived(verdict, gates.budgets.waivers, gates.today) for verdict in verdicts]


def _for_stores(
    measurements: Sequence[Measurement], whole: Measurement | None, options: Options
) -> Iterator[Measurement]:
    """What store rules are judged on: models given alone go into one app, so their limits are those of their sum."""
    alone = [found for found in measurements if any(facet.partial for facet in found.facets)]
    for found in measurements:
        if found not in alone:
            yield found
        elif len(alone) == 1:
            own = [facet for facet in found.facets if not facet.partial]
            yield found.model_copy(update={"facets": (*own, *in_one_app(alone, options))})
        else:
            yield found.model_copy(update={"facets": tuple(facet for facet in found.facets if not facet.partial)})
    if whole is not None and len(alone) > 1:
        yield whole


def total(measurements: Iterable[Measurement], options: Options) -> Measurement | None:
    """The sum of several subjects; a figure that one of them lacks is unavailable for the sum."""
    found = list(measurements)
    if len(found) < 2:
        return None
    sums = {metric: _sum([getattr(one, metric) for one in found]) for metric in ("install", "download")}
    sizes = [one.size_bytes for one in found]
    missing = [one.subject for one in found if one.install is None or one.download is None]
    return Measurement(
        subject=TOTAL,
        kind=f"{len(found)} subjects",
        size_bytes=None if None in sizes else sum(size for size in sizes if size is not None),
        unavailable=f"{', '.join(missing)}: not every figure is known" if missing else "",
        facets=tuple(in_one_app(found, options)),
        **sums,
    )


def _sum(sizes: list[ByteCount | None]) -> ByteCount | None:
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    result = known[0]
    for size in known[1:]:
        result = result.plus(size)
    return result


def judge_bytes(
    subject: str, metric: str, size: ByteCount, limit: int, what: str, *, severity: str, partial: str = ""
) -> Verdict:
    """Compare a figure with a limit: it passes when the most that it can be is within, fails when the least is over.

    Args:
        subject: what is judged.
        metric: name of the gate.
        size: the figure.
        limit: most bytes.
        what: the figure in words, for the reason.
        severity: ``error``, or ``warn`` / ``warning``.
        partial: why a figure within the limit proves nothing; such a figure is not checked instead of passed.
    """
    if size.low > limit:
        status = Status.FAILED
    elif size.high <= limit and not partial:
        status = Status.PASSED
    else:
        status = Status.NOT_CHECKED
    shown = [format_size(value) for value in (size.value, limit)]
    if shown[0] == shown[1] and size.value != limit:
        shown = [format_bytes(value) for value in (size.value, limit)]
    relation = "over" if size.value > limit else "within"
    reason = f"{what} takes {'about ' if size.estimated else ''}{shown[0]}, {relation} {shown[1]}"
    if status is Status.NOT_CHECKED:
        reason += f"; {partial}" if partial else _between(size, limit)
    return Verdict(
        subject=subject,
        metric=metric,
        value=size.value,
        unit="B",
        limit=limit,
        status=status,
        margin=limit - size.value,
        severity="error" if severity == "error" else "warning",
        reason=reason + ".",
    )


def _between(size: ByteCount, limit: int) -> str:
    return (
        f"; the figure lies between {format_bytes(size.low)} and {format_bytes(size.high)}, "
        f"on both sides of the limit of {format_bytes(limit)}, so this cannot tell ({size.method})"
    )


def _store_verdicts(found: Measurement, selected: Selected, today: dt.date) -> Iterator[Verdict]:
    rule = selected.rule
    for facet in found.facets:
        if not _about(facet, selected):
            continue
        verdict = judge_bytes(
            found.subject,
            f"store.{rule.id}",
            facet.size,
            rule.limit,
            _words(facet),
            severity=rule.severity,
            partial="that is without the app: give the size of the rest of the app with --app-size"
            if facet.partial
            else "",
        )
        notes = [selected.supposed, "this rule was last checked more than a year ago" if rule.stale(today) else ""]
        if verdict.status is not Status.PASSED or rule.stale(today):
            notes = [f"the limit is on {rule.title} ({rule.source}, seen {rule.seen})", rule.note, *notes]
        reason = " ".join([verdict.reason, *(f"{note[0].upper()}{note[1:]}." for note in notes if note)])
        yield verdict.model_copy(update={"reason": reason})


def _about(facet: Facet, selected: Selected) -> bool:
    rule = selected.rule
    return (
        facet.scope == rule.scope and facet.counts == rule.counts and (not rule.formats or facet.format in rule.formats)
    )


def _words(facet: Facet) -> str:
    scope = _SCOPES.get(facet.scope, facet.scope.replace("-", " "))
    return f"{scope}{f' {facet.name}' if facet.name else ''}, {_COUNTS[facet.counts]},"


def _uncovered(found: Measurement, rules: Sequence[Selected]) -> Iterator[Verdict]:
    """A subject that no rule of the stores asked for is about must not look as if it had passed them."""
    if rules and not any(_about(facet, selected) for selected in rules for facet in found.facets):
        yield Verdict(
            subject=found.subject,
            metric="store",
            value=None,
            unit="B",
            status=Status.NOT_CHECKED,
            reason=f"no rule of the stores asked for is about what a {found.kind} shows; give the app, or its report.",
        )


def _own_limits(found: Measurement) -> Iterator[Verdict]:
    """Budgets of the target that a run.json recorded."""
    for metric, limit in found.limits.items():
        size = sizes_of(found).figure(metric)
        if size is None:
            yield _missing(found, metric, f"{metric}.target", "error")
        else:
            yield judge_bytes(found.subject, f"{metric}.target", size, limit, f"its {metric}", severity="error")


def _packaging(found: Measurement, budgets: BudgetFile) -> Iterator[Verdict]:
    severities = {"duplicate": budgets.duplicates, "compressed": budgets.compressed, "empty": "error"}
    for finding in found.findings:
        severity = severities[finding.kind]
        if severity != "off":
            yield _finding_verdict(found.subject, finding, severity)


def _finding_verdict(subject: str, finding: Finding, severity: str) -> Verdict:
    return Verdict(
        subject=f"{subject}/{finding.name}",
        metric=f"packaging.{finding.kind}",
        value=finding.wasted_bytes,
        unit="B",
        limit=0 if finding.kind == "duplicate" else None,
        status=Status.FAILED,
        margin=-finding.wasted_bytes if finding.kind == "duplicate" else None,
        severity="error" if severity == "error" else "warning",
        reason=finding.sentence + ".",
    )


def _team_verdicts(
    subjects: Sequence[Measurement], measurements: Sequence[Measurement], gates: Gates
) -> Iterator[Verdict]:
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
    return Verdict(
        subject=budget.subject,
        metric=budget.metric,
        value=None,
        unit="B",
        limit=budget.max,
        status=Status.NOT_CHECKED,
        severity="error" if budget.severity == "error" else "warning",
        reason=f"nothing that was measured is {what}: the budget is not checked.",
    )


def _budget_verdicts(
    found: Measurement, budget: Budget, gates: Gates, measurements: Sequence[Measurement]
) -> Iterator[Verdict]:
    for name, now in _judged(found, budget):
        size = now.figure(budget.metric)
        if size is None:
            yield _missing(found, budget.metric, f"{budget.metric}.max", budget.severity)
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
    import fnmatch

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
        return _sum([None if old is None else old.figure(metric) for old in olds])
    old = baseline.find(found.subject, alone=len(measurements) == 1)
    if old is not None and model is not None:
        known = old.models.get(model)
        return None if known is None else known.figure(metric)
    return None if old is None else old.figure(metric)


def _growth_verdict(
    subject: str, metric: str, now: ByteCount, before: ByteCount | None, allowed: Growth, severity: str, where: str
) -> Verdict:
    """The growth in bytes against the allowance in bytes; a percentage is turned into whole bytes of the old size."""
    grade = "error" if severity == "error" else "warning"
    if before is None:
        option = "--anchor" if metric.endswith("drift") else "--baseline"
        told = f"{where} has no figure for it" if where else f"no {option} is given"
        return Verdict(
            subject=subject, metric=metric, value=None, unit="B", status=Status.NOT_CHECKED, severity=grade,
            reason=f"there is no baseline: {told}. Write one with --write-baseline FILE.",
        )  # fmt: skip
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
        subject=subject, metric=metric, value=change, unit="B", limit=limit, status=status, margin=limit - change,
        severity=grade, reason=reason + ".",
    )  # fmt: skip


def _missing(found: Measurement, metric: str, gate: str, severity: str) -> Verdict:
    return Verdict(
        subject=found.subject,
        metric=gate,
        value=None,
        unit="B",
        status=Status.NOT_CHECKED,
        severity="error" if severity == "error" else "warning",
        reason=f"its {metric} is unavailable: {found.unavailable or 'it was not measured'}.",
    )


def _waived(verdict: Verdict, waivers: Sequence[Waiver], today: dt.date) -> Verdict:
    """A failure stays a failure; a waiver that holds only takes its power to fail the run."""
    if verdict.status is not Status.FAILED:
        return verdict
    covering = [waiver for waiver in waivers if waiver.covers(verdict.subject, verdict.metric)]
    holding = [waiver for waiver in covering if today <= waiver.expires]
    if holding:
        waiver = max(holding, key=lambda waiver: (waiver.expires, waiver.author, waiver.reason))
        told = f"waived by {waiver.author} until {waiver.expires}: {waiver.reason}"
        return verdict.model_copy(update={"severity": "warning", "waiver": told})
    if covering:
        last = max(covering, key=lambda waiver: (waiver.expires, waiver.author))
        return verdict.model_copy(
            update={"reason": f"{verdict.reason} The waiver of {last.author} expired on {last.expires}."}
        )
    return verdict
