"""What got worse from one run to another: bytes, and figures whose interval excludes that nothing changed."""

from collections.abc import Iterable, Iterator

from exporter.data.facts.diff import Change, FigureChange, SizeDiff
from exporter.data.units import format_change
from exporter.data.verdict import Bound, Severity, Verdict
from exporter.gates.judge import judge, not_checked


def comparison_verdicts(diffs: Iterable[SizeDiff], severity: Severity) -> Iterator[Verdict]:
    """One verdict for the bytes of each pair, and one for each figure.

    A figure fails where all of its interval is a loss, and passes where no loss is shown; one that cannot be compared
    is not checked.

    Args:
        diffs: pairs.
        severity: of what got worse.
    """
    for diff in diffs:
        yield _bytes(diff.after, diff.size, severity)
        if diff.download is not None:
            yield _bytes(diff.after, diff.download, severity)
        yield from (_figure(diff.after, one, severity) for one in diff.figures)


def _bytes(subject: str, change: Change, severity: Severity) -> Verdict:
    metric = f"regression.{change.name}"
    if not change.before or not change.after:
        return not_checked(subject, metric, "B", "There is one side alone.", severity=severity)
    reason = f"{format_change(change.bytes, change.before)}."
    return judge(
        subject, metric, change.after, "B", limit=change.before, bound="at most", reason=reason, severity=severity
    )


def _figure(name: str, one: FigureChange, severity: Severity) -> Verdict:
    subject, metric = f"{name} on {one.where}", f"regression.{one.metric.replace(' ', '_')}"
    unit = "1" if one.relative else "points" if one.unit == "%" else one.unit or "1"
    bound: Bound = "at least" if one.higher_is_better else "at most"
    if one.differs is None:
        reason = f"{one.reason[:1].upper()}{one.reason[1:]}."
        return not_checked(subject, metric, unit, reason, limit=0.0, bound=bound, severity=severity)
    nearest = one.high if one.higher_is_better else one.low
    reason = f"{one.reason[:1].upper()}{one.reason[1:]}."
    return judge(subject, metric, nearest, unit, limit=0.0, bound=bound, reason=reason, severity=severity)
