"""The graph of a module by `torch.export`: the second way to one, which needs no `torch.jit.trace`."""

from collections.abc import Sequence
from typing import Any

import torch

from exporter.data.facts.source import InputSpec
from exporter.sources.tracing.open_axes import dynamic_shapes
from exporter.sources.tracing.trace import as_converters_know, example_tensors, traceable, tracing_errors


def export(
    module: torch.nn.Module,
    inputs: Sequence[InputSpec],
    divisors: Sequence[torch.Tensor | None] | None = None,
    *,
    rewritten: bool = True,
) -> Any:
    """The `torch.export.ExportedProgram` of `module`, which is in eval mode; image inputs of the graph are NCHW.

    Args:
        divisors: what the graph divides each NCHW input by; None leaves it.
        rewritten: whether functions in `torch_rewrites` are computed by others.

    Raises:
        ToolError: the module cannot be exported.
    """
    wrapped = traceable(module, inputs, divisors)
    with tracing_errors(), as_converters_know(rewritten=rewritten):
        shapes = dynamic_shapes(wrapped, [spec.channels_first for spec in inputs])
        return torch.export.export(wrapped, example_tensors(inputs), dynamic_shapes=shapes, strict=False)
