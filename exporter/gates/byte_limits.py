"""Byte counts against limits: what sizes are judged by, a figure beside its limit, the sum of several subjects."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from exporter.config.budgets import BudgetFile
from exporter.data.facts.sizes import ByteCount, Measurement
from exporter.data.units import format_bytes, format_size
from exporter.data.verdict import Severity, Status, Verdict
from exporter.gates.baseline import Baseline
from exporter.gates.judge import not_checked
from exporter.sizes.models import in_one_app
from exporter.sizes.packaging import Options
from exporter.sizes.stores import Selected

TOTAL = "total"


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


def total(measurements: Iterable[Measurement], options: Options) -> Measurement | None:
    """The sum of several subjects; a figure that one of them lacks is unavailable for the sum."""
    found = list(measurements)
    if len(found) < 2:
        return None
    sums = {metric: sum_sizes([getattr(one, metric) for one in found]) for metric in ("install", "download")}
    sizes = [one.size_bytes for one in found]
    lacking = sorted(one.subject for one in found if one.install is None or one.download is None)
    return Measurement(
        subject=TOTAL,
        kind=f"{len(found)} subjects",
        size_bytes=None if None in sizes else sum(size for size in sizes if size is not None),
        unavailable=f"{', '.join(lacking)}: not every figure is known" if lacking else "",
        facets=tuple(in_one_app(found, options)),
        **sums,
    )


def sum_sizes(sizes: Sequence[ByteCount | None]) -> ByteCount | None:
    """Their sum; None when one of them is not known."""
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
    relation = ", over" if size.value > limit else " of" if partial else ", within"
    reason = f"{what} takes {'about ' if size.estimated else ''}{shown[0]}{relation} {shown[1]}"
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
        severity=grade(severity),
        reason=reason + ".",
    )


def _between(size: ByteCount, limit: int) -> str:
    return (
        f"; the figure lies between {format_bytes(size.low)} and {format_bytes(size.high)}, "
        f"on both sides of the limit of {format_bytes(limit)}, so this cannot tell ({size.method})"
    )


def missing(found: Measurement, metric: str, gate: str, severity: str, *, limit: int | None = None) -> Verdict:
    """The verdict of `gate` on a subject whose `metric` could not be had."""
    reason = f"its {metric} is unavailable: {found.unavailable or 'it was not measured'}."
    return not_checked(found.subject, gate, "B", reason, limit=limit, severity=grade(severity))


def grade(severity: str) -> Severity:
    """A budget's ``warn`` or ``warning``, or ``error``, as a verdict's."""
    return "error" if severity == "error" else "warning"
