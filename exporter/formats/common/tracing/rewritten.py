"""Calls of a model that are computed by other functions while it is traced."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.modules import module as torch_module

from exporter.data.facts.source import InputSpec
from exporter.sources.tracing.torch_rewrites import Rewritten
from exporter.sources.tracing.trace import as_converters_know, example_tensors


@dataclass(frozen=True)
class RewrittenCall:
    """A function of torch in the layer that calls it; an empty name is the model itself."""

    function: str
    layer: str


def rewritten_calls(module: torch.nn.Module, inputs: Sequence[InputSpec]) -> list[RewrittenCall]:
    """Every call in one run of `module`, in order.

    Args:
        module: takes and gives tensors (`traceable`).
    """
    calls: list[RewrittenCall] = []
    with _layers_noticed(module) as layers, as_converters_know(rewritten=False), _Noticing(layers, calls):
        module(*example_tensors(inputs))
    return calls


class _Noticing(Rewritten):
    """Rewrites as ever, and writes down what; a rewrite that leaves a call as it is is none."""

    def __init__(self, layers: Sequence[str], calls: list[RewrittenCall]) -> None:
        super().__init__()
        self.table = {name: self._noticed(name, own) for name, own in self.table.items()}
        self._at, self._calls = layers, calls

    def _noticed(self, name: str, own: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = own(*args, **kwargs)
            if result is not NotImplemented:
                self._calls.append(RewrittenCall(name.removeprefix("aten::"), self._at[-1] if self._at else ""))
            return result

        return call


@contextmanager
def _layers_noticed(module: torch.nn.Module) -> Iterator[list[str]]:
    """Names of the layers that run, outermost first, while they do."""
    names = {id(layer): name for name, layer in module.named_modules()}
    running: list[str] = []

    def enter(layer: torch.nn.Module, given: Any) -> None:
        running.append(names.get(id(layer), running[-1] if running else ""))

    def leave(layer: torch.nn.Module, given: Any, result: Any) -> None:
        running.pop()

    hooks = [
        torch_module.register_module_forward_pre_hook(enter),
        torch_module.register_module_forward_hook(leave),
    ]
    try:
        yield running
    finally:
        for hook in hooks:
            hook.remove()
