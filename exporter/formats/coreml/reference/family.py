"""How an operation is implemented: a function of torch values, and what its parameters want."""

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

Tensor = torch.Tensor
Function = Callable[..., Any]
_F = TypeVar("_F", bound=Function)


class Ints(list[int]):
    """Marks a parameter that wants a list of ints, such as strides, axes or a shape."""


class Bools(list[bool]):
    """Marks a parameter that wants a list of bools."""


@dataclass(frozen=True)
class Implementation:
    """One operation.

    Attributes:
        function: called with the operation's MIL inputs by name; absent optional inputs are left out.
        parameters: what each parameter wants: ``Tensor``, ``Ints``, ``Bools``, ``int``, ``float``, ``bool``, ``str``,
            or ``object`` for a value as it is.
        exact: a dtype that holds the inputs holds every output element, so that none needs rounding to it.
        fresh: the result shares no memory with the inputs, so that it may be rounded in place.
        pure: equal inputs give equal outputs; only then may it be evaluated once, when the model is loaded.
    """

    function: Function
    parameters: dict[str, type]
    exact: bool = False
    pure: bool = True
    fresh: bool = False


@dataclass
class Family:
    """The operations of one module, by MIL name."""

    title: str
    operations: dict[str, Implementation] = field(default_factory=dict)

    def op(self, *names: str, exact: bool = False, pure: bool = True, fresh: bool = False) -> Callable[[_F], _F]:
        """Register the decorated function under `names`."""

        def register(function: _F) -> _F:
            for name in names:
                self.add(name, function, exact=exact, pure=pure, fresh=fresh)
            return function

        return register

    def add(
        self, name: str, function: Function, *, exact: bool = False, pure: bool = True, fresh: bool = False
    ) -> None:
        """Register `function` under `name`."""
        hints = typing.get_type_hints(function)
        parameters = {key: _kind(hints[key]) for key in inspect.signature(function).parameters}
        self.operations[name] = Implementation(function, parameters, exact, pure, fresh)

    def unary(self, *, exact: bool = False, **functions: Callable[[Tensor], Tensor]) -> None:
        """Register elementwise functions of one tensor ``x``, each of which makes a new one."""
        for name, function in functions.items():
            self.operations[name] = Implementation(_of_x(function), {"x": Tensor}, exact, fresh=True)

    def binary(self, *, exact: bool = False, **functions: Callable[[Tensor, Tensor], Tensor]) -> None:
        """Register elementwise functions of two tensors ``x`` and ``y`` with broadcasting, likewise."""
        for name, function in functions.items():
            parameters: dict[str, type] = {"x": Tensor, "y": Tensor}
            self.operations[name] = Implementation(_of_x_y(function), parameters, exact, fresh=True)


def _of_x(function: Callable[[Tensor], Tensor]) -> Function:
    return lambda x: function(x)


def _of_x_y(function: Callable[[Tensor, Tensor], Tensor]) -> Function:
    return lambda x, y: function(x, y)


def _kind(hint: Any) -> type:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (one for one in typing.get_args(hint) if one is not type(None))
    if hint is Any:
        return object
    origin = typing.get_origin(hint)
    return origin if isinstance(origin, type) else hint
