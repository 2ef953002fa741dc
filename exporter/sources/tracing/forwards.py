"""A module's forward where everybody looks for it: torch.fx traces the class's, whatever the instance has."""

import copy
import functools
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import fx

UNTRACEABLE = (
    fx.proxy.TraceError,
    AssertionError,
    AttributeError,
    NameError,
    NotImplementedError,
    RuntimeError,
    TypeError,
)
"""What torch.fx raises for Python code that it cannot follow; NameError where a forward that takes any number of
arguments is a closure, of which it drops the variables."""


def forward_of(module: torch.nn.Module) -> Callable[..., Any]:
    """What `module` computes, as a function that takes it, or a copy of it, before the inputs."""
    own = vars(module).get("forward")
    if own is None and not isinstance(module, torch.jit.ScriptModule):
        return type(module).forward
    if isinstance(own, types.MethodType) and own.__self__ is module:
        return own.__func__
    bound = module.forward
    return lambda _, *inputs, **named: bound(*inputs, **named)


def with_forward(module: torch.nn.Module, forward: Callable[..., Any]) -> torch.nn.Module:
    """The layers of `module`, under their names, in a module whose class computes `forward`; copies of it do too.

    Args:
        forward: takes the module before the inputs.
    """
    shallow = copy.copy(module)
    if isinstance(module, torch.jit.ScriptModule):  # can have no class of one's own, and torch.fx traces none
        shallow.forward = functools.partial(forward, shallow)
        return shallow
    vars(shallow).pop("forward", None)
    kind: Any = type(module)
    shallow.__class__ = type(kind)(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})
    return shallow


def as_called(module: torch.nn.Module) -> torch.nn.Module:
    """`module`, or one whose class has the forward that somebody put on the instance."""
    return with_forward(module, forward_of(module)) if "forward" in vars(module) else module
