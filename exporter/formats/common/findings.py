"""Findings that every format makes alike."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.data.errors import ToolError
from exporter.data.facts.checks import Judgement, OperatorFinding, Support, merged
from exporter.formats.common.refusals import WRAPPERS, RefusedError, place
from exporter.formats.common.routes import Route
from exporter.formats.common.tracing.graph import SourceGraph

MODEL = "the model"
"""In the place of an operator where the whole is refused."""
_BEFORE = "it is computed by other functions of torch while the model is traced"


def rewritten_before(source: SourceGraph) -> list[OperatorFinding]:
    """Functions of torch that no graph has, because they are rewritten before."""
    judgement = Judgement(support=Support.REWRITTEN, why=_BEFORE)
    return [
        OperatorFinding(
            operator=f"torch.{call.function}", places=(place(WRAPPERS.sub("", call.layer), ""),), conversion=judgement
        )
        for call in source.rewritten_calls
    ]


def refused_by(error: ToolError) -> OperatorFinding:
    """The operator that a route refuses, where its error names one; else the model as a whole."""
    if not isinstance(error, RefusedError):
        why = str(error).rstrip(".")
        return OperatorFinding(operator=MODEL, conversion=Judgement(support=Support.REFUSED, why=why))
    judgement = Judgement(support=Support.REFUSED, why=error.fact, remedy=error.remedy)
    places = (error.place,) if error.place else ()
    return OperatorFinding(operator=error.operator or MODEL, places=places, conversion=judgement)


@dataclass(frozen=True)
class Seen:
    """What is known of a route: its operators, and those that it refuses, which are none where it leads on."""

    operators: tuple[OperatorFinding, ...]
    refused: tuple[OperatorFinding, ...] = ()

    @property
    def located(self) -> bool:
        """Whether all that is refused has a place."""
        return all(one.places for one in self.refused)


def followed(routes: Iterable[Route[Seen]], source: SourceGraph) -> tuple[str, tuple[OperatorFinding, ...]]:
    """The first route that leads on, with its operators and what earlier ones refuse; else no route, and the refusals.

    Of routes that lead nowhere the first counts that says where.
    """
    passed: list[Seen] = []
    for route in routes:
        seen = route.make()
        if not seen.refused:
            known = {(one.operator, one.places) for one in seen.operators}
            before = [one for other in passed for one in other.refused if one.places]
            taken = [_taken(one, route.name) for one in before if (one.operator, one.places) not in known]
            return route.name, merged([*taken, *seen.operators, *rewritten_before(source)])
        passed.append(seen)
    best = next((seen for seen in passed if seen.located), passed[0])
    return "", merged([*best.refused, *best.operators])


def _taken(refused: OperatorFinding, route: str) -> OperatorFinding:
    """An operator that an earlier route refuses and a later one computes by others."""
    why = f"{route} computes it by other operators, where an earlier way refuses it"
    judgement = Judgement(support=Support.REWRITTEN, why=why)
    return refused.model_copy(update={"conversion": judgement, "becomes": ()})
