"""A graph through coremltools' frontend alone: to an ML program in memory, with no pass over it and nothing written.

Translations are the only ones who know which operations an operator becomes, in which opset, and which of its forms
they refuse; without passes it takes a tenth of a conversion.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from unittest import mock

from exporter.data.errors import ToolError
from exporter.data.facts.source import SourceDescription
from exporter.execution.heavy import load, quiet
from exporter.formats.common.refusals import WRAPPERS, place
from exporter.formats.coreml.conversion.graphs.graphs import Graph
from exporter.formats.coreml.conversion.graphs.places import layer_of_node
from exporter.formats.coreml.conversion.inputs import input_types
from exporter.formats.coreml.conversion.operators.registering import register_operators, registry
from exporter.formats.coreml.conversion.program import Said, deployment_target
from exporter.formats.coreml.conversion.refusal import coreml_refusal
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.settings import CoremlTarget

_OWN = "exporter."
_FRONTEND = "coremltools.converters.mil.frontend.torch"


@dataclass(frozen=True)
class Node:
    """An operator of the graph.

    Attributes:
        kind: as coremltools calls it, without its namespace.
        layer: dotted name; empty for the model itself.
        operations: of the ML program that it became, constants left out; None where its translation was not reached.
        known: whether there is a translation.
        own: whether that is this program's.
    """

    kind: str
    layer: str
    operations: tuple[Any, ...] | None
    known: bool
    own: bool

    @property
    def place(self) -> str:
        """The layer, for people."""
        return place(self.layer, "")


@dataclass(frozen=True)
class Translation:
    """What the frontend made of a graph.

    Attributes:
        nodes: in order; those that become operations, or that were not reached.
        failed: the node at which it stopped; None where it reached the end.
        error: why it stopped.
    """

    nodes: Sequence[Node]
    failed: Node | None = None
    error: ToolError | None = None


@dataclass
class _Record:
    """What is seen while a graph is translated.

    Attributes:
        all: nodes of the graph, those of inner blocks left out.
        reached: nodes whose translation began, those of inner blocks as well.
        depth: how many translations are under way.
        outer: how many nodes of `all` were reached.
    """

    all: list[Any] = field(default_factory=list)
    reached: list[Node] = field(default_factory=list)
    depth: int = 0
    outer: int = 0

    def translation(self, error: ToolError | None) -> Translation:
        """What was seen, with the nodes that were not reached."""
        if error is None:
            return Translation([node for node in self.reached if node.operations])
        done, failed = self.reached[:-1], self.reached[-1] if self.reached else None
        rest = [_node(one, None) for one in self.all[self.outer :]]
        return Translation([*(node for node in done if node.operations), *rest], failed, error)


def translate(graph: Graph, description: SourceDescription, target: CoremlTarget) -> Translation:
    """The operations that each operator of a graph becomes, up to the first that is refused."""
    coremltools = load_coremltools()
    register_operators()
    record, said = _Record(), Said()
    try:
        with quiet(), said, _recording(record):
            coremltools.convert(
                graph.program,
                inputs=input_types(description.inputs, target.input_kind),
                convert_to="milinternal",
                minimum_deployment_target=deployment_target(coremltools, target.generation),
                pass_pipeline=coremltools.PassPipeline.EMPTY,
            )
    except Exception as error:  # noqa: BLE001 - whatever a translation raises is its refusal, as in a conversion
        return record.translation(coreml_refusal(error, said.text, graph.place_of))
    return record.translation(None)


@contextmanager
def _recording(record: _Record) -> Iterator[None]:
    frontend, converter = load(f"{_FRONTEND}.ops"), load(f"{_FRONTEND}.converter")
    with (
        mock.patch.object(frontend, "convert_single_node", _recorded(record, frontend.convert_single_node)),
        mock.patch.object(converter, "convert_nodes", _listed(record, converter.convert_nodes)),
    ):
        yield


def _listed(record: _Record, convert_nodes: Callable[..., None]) -> Callable[..., None]:
    def listed(context: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
        record.all.extend(graph.nodes)
        convert_nodes(context, graph, *args, **kwargs)

    return listed


def _recorded(record: _Record, convert: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """`convert`, with a note of every node before it, and of what it became after."""
    block = load("coremltools.converters.mil.mil.block").curr_block

    def recorded(context: Any, node: Any) -> None:
        place = len(record.reached)
        record.reached.append(_node(node, ()))
        record.outer += record.depth == 0
        record.depth += 1
        before = len(block().operations)
        convert(context, node)
        record.depth -= 1
        record.reached[place] = _node(node, tuple(_computed(block(), before)))

    return recorded


def _computed(block: Any, before: int) -> list[Any]:
    """Operations behind the first `before`, without those whose values are known and become constants."""
    added = list(islice(reversed(block.operations), len(block.operations) - before))[::-1]
    return [op for op in added if op.op_type != "const" and any(value.val is None for value in op.outputs)]


def _node(node: Any, operations: tuple[Any, ...] | None) -> Node:
    kind = node.kind.rpartition("::")[2]
    function = registry().get_func(node.kind)
    own = getattr(function, "__module__", "").startswith(_OWN)
    return Node(kind, _layer(node), operations, function is not None, own)


def _layer(node: Any) -> str:
    """TorchScript's nodes have a hierarchy of scopes, those of `torch.export` what it noted."""
    if node.meta:
        return layer_of_node(node)
    return WRAPPERS.sub("", ".".join(node.get_scope_info()[0][:-1]))
