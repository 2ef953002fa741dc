"""Operator by operator: whether Core ML, the minimum OS and the accelerator take a model."""

import re
from collections.abc import Callable
from functools import partial

from exporter.data.errors import ToolError
from exporter.data.facts.checks import Judgement, OperatorCheck, OperatorFinding, Support
from exporter.formats.common.findings import Seen, followed, refused_by
from exporter.formats.common.refusals import remedy
from exporter.formats.common.routes import Route, only
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.check.placement import Placement
from exporter.formats.coreml.check.translation import Node, translate
from exporter.formats.coreml.conversion.graphs.graphs import ROUTES, Graph
from exporter.formats.coreml.settings import CoremlTarget

_NEWER = re.compile(r"No available version for (\w+) in the .*? opset\..*target\.iOS(\d+)")
_OWN = "translated by this program, where coremltools has no right translation"
_UNREACHED = "its translation was not reached, because of what is refused before it"
_UNKNOWN = "coremltools has no translation of it"


def check(source: SourceGraph, target: CoremlTarget) -> OperatorCheck:
    """What the first route that reaches an ML program makes of each operator, else what the routes refuse.

    Raises:
        UsageProblem: the target's route is none of this source's.
    """
    placement = Placement(target)
    routes = [Route(name, partial(_seen, graph_of, source, target, placement)) for name, graph_of in ROUTES.items()]
    route, findings = followed(only(routes, target.route), source)
    asks = f"Core ML, {target.minimum_os}"
    return OperatorCheck(asks=asks, accelerator=placement.accelerator, route=route, findings=findings)


def _seen(graph_of: Callable[..., Graph], source: SourceGraph, target: CoremlTarget, placement: Placement) -> Seen:
    try:
        graph = graph_of(source, dividing=target.input_kind == "image")
    except ToolError as error:
        return Seen((), (refused_by(error),))
    found = translate(graph, source.description, target)
    if found.error is None:
        return Seen(tuple(_finding(node, placement) for node in found.nodes))
    unknown = [node for node in found.nodes if node.operations is None and not node.known]
    operators = [_finding(node, placement) for node in found.nodes if node not in unknown]
    return Seen(tuple(operators), (_stopped(found.failed, found.error, target), *map(_unknown, unknown)))


def _finding(node: Node, placement: Placement) -> OperatorFinding:
    if node.operations is None:
        judgement = Judgement(support=Support.NOT_CHECKED, why=_UNREACHED)
        return OperatorFinding(operator=node.kind, places=(node.place,), conversion=judgement)
    judgement = Judgement(support=Support.REWRITTEN, why=_OWN) if node.own else Judgement(support=Support.SUPPORTED)
    return OperatorFinding(
        operator=node.kind,
        becomes=tuple(dict.fromkeys(operation.op_type for operation in node.operations)),
        places=(node.place,),
        conversion=judgement,
        accelerator=placement.judge(node.operations),
    )


def _stopped(node: Node | None, error: ToolError, target: CoremlTarget) -> OperatorFinding:
    """The operator at which a translation stopped."""
    refused, newer = refused_by(error), _NEWER.search(str(error))
    if node is None or newer is None:
        return refused
    judgement = Judgement(
        support=Support.REFUSED,
        why=f"{newer[1]} needs the Core ML of iOS {newer[2]}, minimum_os is {target.minimum_os}",
        remedy=f"raise minimum_os to iOS {newer[2]}, or the system of its year; or do without {node.kind}",
    )
    return refused.model_copy(update={"becomes": (newer[1],), "conversion": judgement})


def _unknown(node: Node) -> OperatorFinding:
    judgement = Judgement(support=Support.REFUSED, why=_UNKNOWN, remedy=remedy(node.kind))
    return OperatorFinding(operator=node.kind, places=(node.place,), conversion=judgement)
