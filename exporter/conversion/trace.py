"""One traced graph of a module, from which both formats are made."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch

from exporter.errors import ToolError, first_line
from exporter.sources.description import InputSpec


class _FlatOutputs(torch.nn.Module):
    """Gives the tensors of nested or named results as a tuple, which both converters can name."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        from exporter.sources.load import flatten

        return tuple(flatten(self.module(*inputs)))


class _PermutedInputs(torch.nn.Module):
    """Takes image inputs as NCHW and gives them to a module that wants NHWC."""

    def __init__(self, module: torch.nn.Module, positions: Sequence[int]) -> None:
        super().__init__()
        self.module = module
        self.positions = tuple(positions)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.module(
            *(item.permute(0, 2, 3, 1) if index in self.positions else item for index, item in enumerate(inputs))
        )


class _DividedInputs(torch.nn.Module):
    """Divides image inputs by a standard deviation a channel before the module sees them."""

    def __init__(self, module: torch.nn.Module, divisors: Sequence[torch.Tensor | None]) -> None:
        super().__init__()
        self.module = module
        self.divisors = tuple(divisors)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.module(*(item if by is None else item / by for item, by in zip(inputs, self.divisors, strict=True)))


def channels_first(spec: InputSpec) -> tuple[int, ...]:
    """The shape of `spec` as both converters see it: images NCHW, others unchanged."""
    if spec.image is not None and spec.layout == "NHWC":
        batch, height, width, channels = spec.shape
        return (batch, channels, height, width)
    return spec.shape


def trace(
    module: torch.nn.Module, inputs: Sequence[InputSpec], divisors: Sequence[torch.Tensor | None] | None = None
) -> Any:
    """Trace `module`, which is in eval mode, on seeded noise; image inputs of the graph are NCHW.

    Args:
        divisors: what the graph divides each NCHW input by; None leaves it.

    Raises:
        ToolError: the module cannot be traced.
    """
    permuted = [index for index, spec in enumerate(inputs) if spec.image is not None and spec.layout == "NHWC"]
    wrapped = _PermutedInputs(module, permuted) if permuted else module
    if divisors is not None:
        wrapped = _DividedInputs(wrapped, divisors)
    examples = example_tensors(inputs)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not isinstance(wrapped(*examples), torch.Tensor):
                wrapped = _FlatOutputs(wrapped)
            traced = torch.jit.trace(wrapped, examples, check_trace=False)  # type: ignore[no-untyped-call]
            # A script module inside a traced one keeps its weights where coremltools does not look for them.
            return torch.jit.freeze(traced, optimize_numerics=False) if _holds_script(wrapped) else traced
    except (RuntimeError, TypeError, ValueError) as error:
        raise ToolError(f"the model cannot be traced: {first_line(error)}") from error


def _holds_script(module: torch.nn.Module) -> bool:
    return any(isinstance(child, torch.jit.ScriptModule) for child in module.modules())


def example_tensors(inputs: Sequence[InputSpec]) -> tuple[torch.Tensor, ...]:
    """Seeded noise (for integers the least that the source takes) of the graph's input shapes."""
    generator = torch.Generator().manual_seed(0)
    return tuple(_example(spec, generator) for spec in inputs)


def _example(spec: InputSpec, generator: torch.Generator) -> torch.Tensor:
    shape = channels_first(spec)
    if spec.dtype == "float32":
        return torch.randn(shape, generator=generator)
    if spec.image is not None:
        return torch.randint(0, 256, shape, generator=generator, dtype=getattr(torch, spec.dtype))
    return torch.full(shape, spec.least, dtype=getattr(torch, spec.dtype))
