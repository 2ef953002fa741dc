"""A step of a sequence whose carried inputs are states: buffers that Core ML keeps from one call to the next.

Source: coremltools guide, "Stateful Models": states are float16 tensors, of iOS 18 and later, that begin as zeros.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from exporter.data.facts.source import SourceDescription
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.states import without_carried
from exporter.sources.outputs import flatten


class Stateful(torch.nn.Module):
    """Calls a step with its carried inputs from buffers, which take what it gives for the next call.

    Args:
        module: the step, in eval mode.
        description: of it, with what it carries.
    """

    def __init__(self, module: torch.nn.Module, description: SourceDescription) -> None:
        super().__init__()
        self.module = module
        self.inputs = [spec.name for spec in description.inputs]
        self.outputs = description.outputs
        self.carried = dict(description.carried)
        for spec in description.inputs:
            if spec.name in self.carried:
                self.register_buffer(spec.name, torch.zeros(spec.shape))
        self.eval()

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        """The output that is not carried."""
        left = iter(given)
        taken = [getattr(self, name) if name in self.carried else next(left) for name in self.inputs]
        found = dict(zip(self.outputs, flatten(self.module(*taken)), strict=True))
        for name, output in self.carried.items():
            getattr(self, name)[:] = found.pop(output)  # coremltools translates no other write of a whole buffer
        (result,) = found.values()
        return result  # type: ignore[no-any-return]


def with_states(source: SourceGraph) -> SourceGraph:
    """The source with states for what it carries (`states_problem` has nothing against it)."""
    description = without_carried(source.description)
    module = Stateful(source.source.module, source.description)
    return source.of(dataclasses.replace(source.source, module=module, description=description))


def state_types(module: Any) -> Sequence[Any] | None:
    """A ``coremltools.StateType`` for each buffer of a module with states; None for others."""
    if not isinstance(module, Stateful):
        return None
    coremltools = load_coremltools()
    return [
        coremltools.StateType(
            name=name, wrapped_type=coremltools.TensorType(shape=getattr(module, name).shape, dtype=np.float16)
        )
        for name in module.carried
    ]
