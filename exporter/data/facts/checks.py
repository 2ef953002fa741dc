"""What is known, before a conversion, of each operator of a model on a target."""

import datetime as dt
from collections.abc import Iterable
from enum import StrEnum

from exporter.data.base import Frozen


class Support(StrEnum):
    """What becomes of an operator; from what is best for the user to what is worst, and what nobody knows."""

    SUPPORTED = "supported"
    REWRITTEN = "supported after a rewrite"
    CPU = "falls back to CPU"
    REFUSED = "refused"
    NOT_CHECKED = "not checked"


_WORST = (Support.REFUSED, Support.CPU, Support.NOT_CHECKED, Support.REWRITTEN, Support.SUPPORTED)


class Judgement(Frozen):
    """What one side says of an operator.

    Attributes:
        why: a clause; empty where there is nothing to say.
        remedy: what to change, as a clause.
        source: who says so, for rules of an accelerator.
        seen: the day on which the source said so.
    """

    support: Support
    why: str = ""
    remedy: str = ""
    source: str = ""
    seen: dt.date | None = None


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """The one that a user must know first, of at least one."""
    return min(judgements, key=lambda one: _WORST.index(one.support))


class OperatorFinding(Frozen):
    """All places of a model with one operator of which the same is known.

    Attributes:
        operator: as the graph that is converted calls it.
        becomes: operators of the artifact that it is translated to, each once; empty where that is not known.
        places: the layer of each, in the order of the graph.
        conversion: what the format and the target's minimum versions say.
        accelerator: what the target's accelerator says; None where the target names none, or nothing is converted.
    """

    operator: str
    becomes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    conversion: Judgement
    accelerator: Judgement | None = None

    @property
    def count(self) -> int:
        """How many operators of the model it is about; at least one."""
        return max(1, len(self.places))

    @property
    def support(self) -> Support:
        """The worst that is said of it."""
        return worst(filter(None, (self.conversion, self.accelerator))).support


class OperatorCheck(Frozen):
    """A model on a target.

    Attributes:
        asks: the format and its minimum versions, for people: ``Core ML, iOS 18``.
        accelerator: what the target asks for beside the CPU; empty for none.
        route: the way from the source that was looked at; empty where none leads on.
        findings: what is worst first.
    """

    asks: str
    accelerator: str = ""
    route: str = ""
    findings: tuple[OperatorFinding, ...]


class TargetCheck(Frozen):
    """What became of looking at a target.

    Attributes:
        target: its name.
        format: its format's name.
        found: None where nothing could be looked at.
        why_not: the reason, as a sentence.
        failed: whether that is an error, and not a library that is not installed.
        notes: sentences about what was not looked at.
    """

    target: str
    format: str
    found: OperatorCheck | None = None
    why_not: str = ""
    failed: bool = False
    notes: tuple[str, ...] = ()


def merged(findings: Iterable[OperatorFinding]) -> tuple[OperatorFinding, ...]:
    """One finding for all operators of which the same is known, the worst first, else in the order of the graph."""
    groups: dict[str, list[OperatorFinding]] = {}
    for one in findings:
        groups.setdefault(one.model_copy(update={"places": ()}).model_dump_json(), []).append(one)
    united = [
        group[0].model_copy(update={"places": tuple(place for one in group for place in one.places)})
        for group in groups.values()
    ]
    return tuple(sorted(united, key=lambda one: _WORST.index(one.support)))
