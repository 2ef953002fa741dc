"""The table of rewrites, and the mode in which torch uses it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch._subclasses.fake_tensor import unset_fake_temporarily
from torch.fx.experimental.proxy_tensor import disable_proxy_modes_tracing
from torch.overrides import TorchFunctionMode

Rewrite = Callable[..., Any]
REWRITES: dict[str, Rewrite] = {}
"""Name of a function, method or ATen operator -> what computes the same; `NotImplemented` leaves a call as it is.

With ``aten::`` before it, it is for operators of exported programs alone.
"""


SPECTRA: dict[str, Rewrite] = {}
"""The same for complex numbers; coremltools knows these, so they are for ONNX alone."""


def rewrite(*names: str) -> Callable[[Rewrite], Rewrite]:
    """Enter a function into `REWRITES`."""
    return _entering(REWRITES, names)


def rewrite_spectrum(*names: str) -> Callable[[Rewrite], Rewrite]:
    """Enter a function into `SPECTRA`."""
    return _entering(SPECTRA, names)


def _entering(table: dict[str, Rewrite], names: Sequence[str]) -> Callable[[Rewrite], Rewrite]:
    def enter(function: Rewrite) -> Rewrite:
        table.update(dict.fromkeys(names, function))
        return function

    return enter


class Rewritten(TorchFunctionMode):
    """Inside it, functions in `REWRITES` compute the same by other functions.

    Args:
        spectra: those in `SPECTRA` as well.
    """

    def __init__(self, *, spectra: bool = False) -> None:
        super().__init__()
        self.table = REWRITES | SPECTRA if spectra else REWRITES

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """One call."""
        named = dict(kwargs or {})
        own = self.table.get(_name(func))
        if isinstance(func, torch._ops.OpOverload):
            own = self.table.get(str(func._schema.name), own)
        if own is not None:
            given = [named.pop("input"), *args] if "input" in named else args
            result = own(*given, **named)
            if result is not NotImplemented:
                return result
        return func(*args, **(kwargs or {}))


def _name(func: Any) -> str:
    if isinstance(func, torch._ops.OpOverload):
        return str(func._schema.name.rpartition("::")[2])
    if isinstance(func, torch._ops.OpOverloadPacket):
        return str(func._qualified_op_name.rpartition("::")[2])
    return str(getattr(func, "__name__", ""))


@contextmanager
def as_constants() -> Iterator[None]:
    """What is computed inside stands in a graph as a constant, and not as operators."""
    state = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
    try:
        with disable_proxy_modes_tracing(), unset_fake_temporarily():
            yield
    finally:
        torch._C._set_tracing_state(state)  # type: ignore[attr-defined]


def is_float(value: Any) -> bool:
    """Whether it is a tensor of floats; sizes of a traced graph are tensors of whole numbers."""
    return isinstance(value, torch.Tensor) and value.is_floating_point()
