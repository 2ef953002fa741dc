"""The graphs of one source that coremltools reads: TorchScript by tracing, and programs of `torch.export`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from exporter.execution.heavy import quiet
from exporter.formats.common.refusals import place_of
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.conversion.graphs.decompositions import core_operators, known_operators
from exporter.formats.coreml.conversion.graphs.folding import fold_constants
from exporter.formats.coreml.conversion.graphs.places import place_in_export
from exporter.formats.coreml.settings import CoremlRoute
from exporter.sources.tracing.export import export
from exporter.sources.tracing.trace import decomposed, trace, traceable, tracing_errors


@dataclass(frozen=True)
class Graph:
    """A graph that coremltools reads.

    Attributes:
        program: a ``torch.jit.ScriptModule`` or a ``torch.export.ExportedProgram``.
        place_of: the layer and the line of the user's code of the first node with an operator; empty where unknown.
    """

    program: Any
    place_of: Callable[[str], str]


def traced(source: SourceGraph, *, dividing: bool) -> Graph:
    """The module traced.

    Args:
        source: the loaded module.
        dividing: whether image inputs are divided by standard deviations that differ between channels, which an image
            input of Core ML cannot.
    """
    divisors = _divisors(source) if dividing else None
    module, inputs = source.source.module, source.description.inputs
    return _of_trace(source.traced if divisors is None else trace(module, inputs, divisors))


def traced_core(source: SourceGraph, *, dividing: bool) -> Graph:
    """The module in torch's core operators, traced."""
    inputs = source.description.inputs
    module = traceable(source.source.module, inputs, _divisors(source) if dividing else None)
    return _of_trace(trace(decomposed(module, inputs), [spec.channels_first for spec in inputs]))


def exported(source: SourceGraph, *, dividing: bool) -> Graph:
    """The module by `torch.export`, as it is; what coremltools does not know is decomposed."""
    return _of_export(source, known_operators, dividing=dividing, rewritten=False)


def exported_rewritten(source: SourceGraph, *, dividing: bool) -> Graph:
    """The module by `torch.export`, its blocks (attention, recurrent layers) and rarer functions written out."""
    return _of_export(source, core_operators, dividing=dividing, rewritten=True)


def _of_trace(module: Any) -> Graph:
    return Graph(module, partial(place_of, module.inlined_graph))


def _of_export(source: SourceGraph, table: Callable[[], Any], *, dividing: bool, rewritten: bool) -> Graph:
    divisors = _divisors(source) if dividing else None
    with quiet():
        program = export(source.source.module, source.description.inputs, divisors, rewritten=rewritten)
        with tracing_errors():  # torch itself fails on some programs, for example on those with complex numbers
            program = program.run_decompositions(table())
        fold_constants(program)
    return Graph(program, partial(place_in_export, program.graph))


def _divisors(source: SourceGraph) -> Sequence[torch.Tensor | None] | None:
    divisors = [
        torch.tensor(spec.image.std).reshape(1, -1, 1, 1) if spec.image and len(set(spec.image.std)) > 1 else None
        for spec in source.description.inputs
    ]
    return None if all(divisor is None for divisor in divisors) else divisors


ROUTES: dict[CoremlRoute, Callable[..., Graph]] = {
    "trace": traced,
    "export": exported,
    "export+rewritten": exported_rewritten,
    "trace+core": traced_core,
}
"""Ways from a source to a graph, in the order in which they are tried."""
