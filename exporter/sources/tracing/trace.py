"""One traced graph of a module, from which digests and every format are made."""

import inspect
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch._decomp import core_aten_decompositions
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.modules import transformer

from exporter.data.errors import ToolError, first_line
from exporter.data.facts.source import InputSpec
from exporter.sources.outputs import flatten
from exporter.sources.tracing.torch_rewrites import Rewritten


class _Wrapper(torch.nn.Module):
    """A module of this program's around the user's, which is in eval mode.

    It says so of itself: the ONNX exporter leaves all modules in the mode in which it found the outermost.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module
        self.training = False


class _FlatOutputs(_Wrapper):
    """Gives the tensors of nested or named results as a tuple, which both converters can name.

    Args:
        module: whose results they are.
        again: places of those that are an input or an earlier output, which are made other tensors: a tensor can have
            one name.
    """

    def __init__(self, module: torch.nn.Module, again: Collection[int]) -> None:
        super().__init__(module)
        self.again = frozenset(again)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs = flatten(self.module(*inputs))
        return tuple(_another(tensor) if place in self.again else tensor for place, tensor in enumerate(outputs))


def _repeated(outputs: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> list[int]:
    """Places of outputs that are an input or an earlier output.

    By value: converters remove what changes nothing (``x * 1``, dropout) and are left with one tensor.
    """
    return [place for place, tensor in enumerate(outputs) if _is_among(tensor, [*inputs, *outputs[:place]])]


def _is_among(tensor: torch.Tensor, others: Sequence[torch.Tensor]) -> bool:
    return any(tensor.dtype == other.dtype and torch.equal(tensor, other) for other in others)


def _another(tensor: torch.Tensor) -> torch.Tensor:
    """The same values, exactly, by operators that converters do not remove as they remove a copy."""
    if tensor.dtype == torch.bool:
        return torch.logical_not(torch.logical_not(tensor))
    return torch.neg(torch.neg(tensor))


class _AsItIs(_Wrapper):
    """An exported program's module, which cannot be told again that it is in eval mode."""

    def train(self, mode: bool = True) -> "_AsItIs":
        """Nothing: the program was exported in one mode."""
        return self

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.module(*inputs)


class _PermutedInputs(_Wrapper):
    """Takes image inputs as NCHW and gives them to a module that wants NHWC."""

    def __init__(self, module: torch.nn.Module, positions: Sequence[int]) -> None:
        super().__init__(module)
        self.positions = tuple(positions)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.module(
            *(item.permute(0, 2, 3, 1) if index in self.positions else item for index, item in enumerate(inputs))
        )


class _DividedInputs(_Wrapper):
    """Divides image inputs by a standard deviation a channel before the module sees them."""

    def __init__(self, module: torch.nn.Module, divisors: Sequence[torch.Tensor | None]) -> None:
        super().__init__(module)
        self.divisors = tuple(divisors)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.module(*(item if by is None else item / by for item, by in zip(inputs, self.divisors, strict=True)))


@contextmanager
def as_converters_know(*, spectra: bool = False, rewritten: bool = True) -> Iterator[None]:
    """Run torch without gradients and without what no converter knows.

    That is the fused attention of its inference path, functions with a gradient of their own, and those in
    `torch_rewrites`.

    Args:
        spectra: complex numbers are pairs of real ones.
        rewritten: functions in `torch_rewrites` are computed by others; without, only attention and gradients are
            seen to.
    """
    fused, apply = torch.backends.mha.get_fastpath_enabled(), torch.autograd.Function.__dict__["apply"]
    detects = transformer._detect_is_causal_mask
    torch.backends.mha.set_fastpath_enabled(False)
    transformer._detect_is_causal_mask = _is_said_to_be_causal
    torch.autograd.Function.apply = classmethod(_forward_alone)
    try:
        with torch.no_grad(), warnings.catch_warnings(), Rewritten(spectra=spectra) if rewritten else nullcontext():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        transformer._detect_is_causal_mask = detects
        torch.autograd.Function.apply = apply


def _is_said_to_be_causal(mask: Any, is_causal: bool | None = None, size: int | None = None) -> bool:
    """In place of a look at the values of a mask, which a graph cannot hold: a mask that is given works as it is."""
    return bool(is_causal)


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
    with tracing_errors(), as_converters_know():
        result = wrapped(*examples)
    again = _repeated(flatten(result), examples)
    plain = isinstance(result, torch.Tensor) and not again and not _may_take_more(wrapped, examples)
    return wrapped if plain else _FlatOutputs(wrapped, again)


def _may_take_more(module: torch.nn.Module, given: Sequence[torch.Tensor]) -> bool:
    """Whether its forward leaves parameters to defaults: the ONNX exporter makes tensors of them, even of bools."""
    if isinstance(module, torch.jit.ScriptModule):
        return False
    return any(
        parameter.default is not parameter.empty
        for parameter in list(inspect.signature(module.forward).parameters.values())[len(given) :]
    )


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
    with tracing_errors(), as_converters_know():
        traced = torch.jit.trace(wrapped, example_tensors(inputs), check_trace=False)
        # A script module inside a traced one keeps its weights where coremltools does not look for them.
        return torch.jit.freeze(traced, optimize_numerics=False) if _holds_script(wrapped) else traced


def decomposed(module: torch.nn.Module, inputs: Sequence[InputSpec]) -> torch.nn.Module:
    """What `module` (`traceable`) computes, in torch's small set of core operators; names of layers are lost.

    Raises:
        ToolError: the module cannot be decomposed.
    """
    # oneDNN has a recurrent layer of its own, which nothing decomposes.
    with tracing_errors(), as_converters_know(), torch.backends.mkldnn.flags(enabled=False):
        return make_fx(lambda *values: module(*values), dict(core_aten_decompositions()))(*example_tensors(inputs))


@contextmanager
def tracing_errors() -> Iterator[None]:
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
    shape = spec.channels_first.shape
    if spec.dtype == "float32":
        return torch.randn(shape, generator=generator)
    if spec.image is not None:
        return torch.randint(0, 256, shape, generator=generator, dtype=getattr(torch, spec.dtype))
    return torch.full(shape, spec.telling, dtype=getattr(torch, spec.dtype))
