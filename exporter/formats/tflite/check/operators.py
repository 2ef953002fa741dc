"""Operator by operator: whether TFLite, by any builder, and the accelerator take a model."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, get_args

from exporter.data.errors import ToolError
from exporter.data.facts.checks import Judgement, OperatorCheck, OperatorFinding, Support, merged
from exporter.formats.common.findings import Seen, followed, refused_by
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.routes import Route, only
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.tflite.check.behind import behind
from exporter.formats.tflite.check.by_tensorflow import seen_by_tensorflow
from exporter.formats.tflite.check.lowering import Lowered, lower
from exporter.formats.tflite.check.placement import Placement
from exporter.formats.tflite.conversion.routes import unforeseen
from exporter.formats.tflite.settings import Builder, TfliteTarget, layout_of

_DIRECT = "onnx2tf's direct builder"


def check(source: SourceGraph, target: TfliteTarget) -> OperatorCheck:
    """What the first route that leads to a flatbuffer makes of each operator, else what the routes refuse.

    Raises:
        UsageProblem: the target's route is none of this source's.
    """
    placement = Placement(target)
    forms = {name: _Form(make, source, target, placement) for name, make in source.onnx_forms.items()}
    routes = [
        Route(f"{name}+{builder}", partial(form.seen, builder))
        for name, form in forms.items()
        for builder in get_args(Builder)
    ]
    route, findings = followed(only(routes, target.route), source)
    if route:
        findings = merged([*findings, *behind(target, placement)])
    asks = f"TFLite, {target.minimum_runtime}"
    return OperatorCheck(asks=asks, accelerator=placement.accelerator, route=route, findings=findings)


@dataclass(frozen=True)
class _Form:
    """One ONNX form of a source, and what each builder makes of it."""

    make: Callable[[], Any]
    source: SourceGraph
    target: TfliteTarget
    placement: Placement

    def seen(self, builder: Builder) -> Seen:
        """What is known of the route that ends with `builder`."""
        try:
            if builder == "direct":
                return self._seen_directly()
            refused = set(self._lowered.refused)
            return seen_by_tensorflow(builder, self.make(), self.source, self._layout, refused, self.placement)
        except ToolError as error:
            return Seen((), (refused_by(error),))
        except Exception as error:  # noqa: BLE001 - whatever a builder raises is its refusal, as in a conversion
            return Seen((), (refused_by(unforeseen(builder, error)),))

    @cached_property
    def _lowered(self) -> Lowered:
        return lower(self.make(), self.source.description.inputs, self._layout)

    @property
    def _layout(self) -> str:
        return layout_of(self.target, self.source.description)

    @cached_property
    def _own(self) -> set[str]:
        """Names of nodes that the source has; the builder's preparations add transposes."""
        return {node.name for node in self.make().graph.node}

    def _seen_directly(self) -> Seen:
        found = self._lowered
        if found.stopped:
            raise refusal(_DIRECT, "", "", found.stopped)
        refused = [node for node in found.nodes if node.name in found.refused]
        taken = [node for node in found.nodes if node.name in self._own and node.name not in found.refused]
        return Seen(tuple(map(self._taken, taken)), tuple(map(self._refused, refused)))

    def _taken(self, node: Any) -> OperatorFinding:
        operators = self._lowered.operators.get(node.name, ())
        return OperatorFinding(
            operator=node.op_type,
            becomes=tuple(dict.fromkeys(one.kind for one in operators)),
            places=(layer_of_onnx(node.name),),
            conversion=Judgement(support=Support.SUPPORTED),
            accelerator=self.placement.judge(operators),
        )

    def _refused(self, node: Any) -> OperatorFinding:
        why = self._lowered.refused[node.name]
        return refused_by(refusal(_DIRECT, node.op_type, layer_of_onnx(node.name), why))
