"""One traced graph of a module, from which digests and every format are made."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch._decomp import core_aten_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

from exporter.data.errors import ToolError, first_line
from exporter.data.facts.source import InputSpec
from exporter.sources.outputs import flatten
from exporter.sources.tracing.torch_rewrites import Rewritten, as_constants


class _FlatOutputs(torch.nn.Module):
    """Gives the tensors of nested or named results as a tuple, which both converters can name."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(_distinct(flatten(self.module(*inputs)), inputs))


def _distinct(outputs: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
    """The same values, where a tensor that is an input or an earlier output is another one: it can have one name."""
    seen = list(inputs)
    for tensor in outputs:
        yield _another(tensor) if _is_among(tensor, seen) else tensor
        seen.append(tensor)


def _is_among(tensor: torch.Tensor, others: Sequence[torch.Tensor]) -> bool:
    """By value: converters remove what changes nothing (``x * 1``, dropout) and are left with one tensor."""
    with as_constants():
        return any(tensor.dtype == other.dtype and torch.equal(tensor, other) for other in others)


def _another(tensor: torch.Tensor) -> torch.Tensor:
    """The same values, exactly, by operators that converters do not remove as they remove a copy."""
    if tensor.dtype == torch.bool:
        return torch.logical_not(torch.logical_not(tensor))
    return torch.neg(torch.neg(tensor))


class _AsItIs(torch.nn.Module):
    """An exported program's module, which cannot be told again that it is in eval mode."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module
        self.training = False

    def train(self, mode: bool = True) -> "_AsItIs":
        """Nothing: the program was exported in one mode."""
        return self

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.module(*inputs)


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


@contextmanager
def as_converters_know(*, spectra: bool = False) -> Iterator[None]:
    """Run torch without gradients and without what no converter knows.

    That is the fused attention of its inference path, functions with a gradient of their own, and those in
    `torch_rewrites`.

    Args:
        spectra: complex numbers are pairs of real ones.
    """
    fused, apply = torch.backends.mha.get_fastpath_enabled(), torch.autograd.Function.__dict__["apply"]
    torch.backends.mha.set_fastpath_enabled(False)
    torch.autograd.Function.apply = classmethod(_forward_alone)
    try:
        with torch.no_grad(), warnings.catch_warnings(), Rewritten(spectra=spectra):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        torch.autograd.Function.apply = apply


class _NoGradient:
    """What a function with a gradient of its own keeps its notes in, when there is no gradient."""

    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        self.saved_tensors = tensors

    def __getattr__(self, name: str) -> Any:
        if name in ("mark_dirty", "mark_non_differentiable", "set_materialize_grads", "save_for_forward"):
            return lambda *_: None
        if name == "needs_input_grad":
            return (False,) * 64
        raise AttributeError(name)


def _forward_alone(function: Any, *given: Any, **named: Any) -> Any:
    """The forward of a ``torch.autograd.Function``, in place of its ``apply``, which a graph holds as Python code."""
    plain = torch.autograd.Function.setup_context
    if function.setup_context is not plain:
        return function.forward(*given, **named)
    return function.forward(_NoGradient(), *given, **named)


def traceable(
    module: torch.nn.Module, inputs: Sequence[InputSpec], divisors: Sequence[torch.Tensor | None] | None = None
) -> torch.nn.Module:
    """`module` with image inputs NCHW, which are divided by `divisors`, and a tuple of tensors or one tensor as result.

    Raises:
        ToolError: the module does not run.
    """
    permuted = [index for index, spec in enumerate(inputs) if spec.image is not None and spec.layout == "NHWC"]
    wrapped = _AsItIs(module) if isinstance(module, torch.fx.GraphModule) else module
    wrapped = _PermutedInputs(wrapped, permuted) if permuted else wrapped
    if divisors is not None:
        wrapped = _DividedInputs(wrapped, divisors)
    examples = example_tensors(inputs)
    with _tracing_errors(), as_converters_know():
        result = wrapped(*examples)
    plain = isinstance(result, torch.Tensor) and not _is_among(result, examples)
    return wrapped if plain else _FlatOutputs(wrapped)


def trace(
    module: torch.nn.Module, inputs: Sequence[InputSpec], divisors: Sequence[torch.Tensor | None] | None = None
) -> Any:
    """Trace `module`, which is in eval mode, on seeded noise; image inputs of the graph are NCHW.

    Args:
        divisors: what the graph divides each NCHW input by; None leaves it.

    Raises:
        ToolError: the module cannot be traced.
    """
    wrapped = traceable(module, inputs, divisors)
    with _tracing_errors(), as_converters_know():
        traced = torch.jit.trace(wrapped, example_tensors(inputs), check_trace=False)
        # A script module inside a traced one keeps its weights where coremltools does not look for them.
        return torch.jit.freeze(traced, optimize_numerics=False) if _holds_script(wrapped) else traced


def decomposed(module: torch.nn.Module, inputs: Sequence[InputSpec]) -> torch.nn.Module:
    """What `module` (`traceable`) computes, in torch's small set of core operators; names of layers are lost.

    Raises:
        ToolError: the module cannot be decomposed.
    """
    with _tracing_errors(), as_converters_know():
        return make_fx(lambda *values: module(*values), dict(core_aten_decompositions()))(*example_tensors(inputs))


@contextmanager
def _tracing_errors() -> Iterator[None]:
    """Whatever the model's own code raises becomes a `ToolError`."""
    try:
        yield
    except Exception as error:
        raise ToolError(
            f"the model cannot be traced: {first_line(error)}. Its forward must run on tensors of the given shapes "
            "without decisions by their values."
        ) from error


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
