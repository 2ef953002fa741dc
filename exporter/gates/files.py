"""What an artifact's file itself shows to be wrong, whatever it computes on some examples."""

from collections.abc import Sequence

from exporter.data.facts.artifact import FileFacts
from exporter.data.verdict import Verdict
from exporter.gates.judge import judge, not_checked

LABELS = "labels"
CONSTANTS = "constants.finite"


def file_verdicts(subject: str, facts: FileFacts | None, labels: Sequence[str]) -> list[Verdict]:
    """Verdicts on class names inside the file and on NaN among its constants; nothing where there is none of either.

    Args:
        subject: what is judged.
        facts: None where the file could not be looked into.
        labels: of the source.
    """
    if facts is None:
        return [not_checked(subject, CONSTANTS, "1", "the file could not be looked into", limit=0)]
    return [*_label_verdicts(subject, facts.labels, labels), *_constant_verdicts(subject, facts.nan_constants)]


def _constant_verdicts(subject: str, bad: Sequence[str]) -> list[Verdict]:
    """A failed verdict where weights or scales are NaN: runtimes differ in what they make of it."""
    if not bad:
        return []
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    reason = f"NaN in the file's own constants: {', '.join(bad[:3])}{more}; a scale of zero or an overflow made it"
    return [judge(subject, CONSTANTS, len(bad), "1", limit=0, bound="at most", reason=reason)]


def _label_verdicts(subject: str, inside: Sequence[str], labels: Sequence[str]) -> list[Verdict]:
    """One verdict where both the file and the model name classes; nothing otherwise."""
    if not inside or not labels:
        return []
    wrong = [place for place, pair in enumerate(zip(inside, labels, strict=False)) if pair[0] != pair[1]]
    count = len(wrong) + abs(len(inside) - len(labels))
    reason = f"all {len(labels)} class names are the model's"
    if wrong:
        place = wrong[0]
        reason = f"{count} class names differ: class {place} is {inside[place]!r} in the file, {labels[place]!r} here"
    elif count:
        reason = f"{len(inside)} class names in the file, the model has {len(labels)}"
    return [judge(subject, LABELS, count, "1", limit=0, bound="at most", reason=reason)]
