"""Rounds the layers of a model, first to last, each to what it does in the float model on inputs of the rounded one."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from exporter.compression.forms import activations
from exporter.compression.forms.constraints import Mask, constraints_of
from exporter.compression.model import Examples
from exporter.compression.rounding.patches import outputs_at, patches_at, places, weight_rows
from exporter.data.progress import Advance


class Problem(NamedTuple):
    """What is known of a layer when it is rounded.

    Attributes:
        layer: constrained; it computes with the weights that it has now.
        weight: (groups, outputs, inputs): floats that give the wanted outputs best on inputs of the rounded model.
        hessian: (groups, inputs, inputs).
        read: (groups, rows, inputs).
        wanted: (groups, rows, outputs), without the bias.
    """

    layer: nn.Module
    weight: Tensor
    hessian: Tensor
    read: Tensor
    wanted: Tensor


_DAMPING = 0.01
"""Share of the mean of the Hessian's diagonal that is added to it."""

Solve = Callable[[Problem], Tensor]
"""Rounded weights, (groups, outputs, inputs)."""


class _Seen(NamedTuple):
    chosen: Tensor
    wanted: Tensor


def round_layers(
    module: nn.Module, names: Sequence[str], sample: Examples, solve: Solve, seed: int, advance: Advance
) -> int:
    """Give each layer the weights that `solve` finds, and take the mean error that is left out of its outputs.

    All examples go through a layer before the next one's turn, so that each makes up for what those before got wrong.
    Layers that no example reaches stay as they are.

    Args:
        module: with constrained weights; changed in place.
        names: of the layers.
        sample: all examples, as one batch.
        seed: of the places that are looked at.
        advance: called with the layers that are done and all.

    Returns:
        How many were given weights.
    """
    seen = _wanted(module, names, sample, torch.Generator().manual_seed(seed))
    count = len(seen)

    def improve(name: str, layer: nn.Module, inputs: Any, named: Any) -> None:
        if name not in seen:
            return  # a layer that is called again
        chosen, wanted = seen.pop(name)
        _improve(layer, patches_at(layer, inputs[0] if inputs else named["input"], chosen), wanted, solve)
        advance(count - len(seen), count)

    hooks = [
        module.get_submodule(name).register_forward_pre_hook(partial(improve, name), with_kwargs=True) for name in names
    ]
    with _removed(hooks), torch.no_grad():
        module(*sample)
    return count


def _wanted(module: nn.Module, names: Sequence[str], sample: Examples, generator: torch.Generator) -> dict[str, _Seen]:
    """Outputs of the float model's layers at drawn places, without biases."""
    reference, seen = _in_float(module), dict[str, _Seen]()

    def remember(name: str, layer: Any, _: Any, output: Tensor) -> None:
        if name not in seen:
            chosen = places(layer, output, generator)
            wanted = outputs_at(layer, output, chosen)
            bias = 0 if layer.bias is None else layer.bias.view(wanted.shape[0], 1, -1)
            seen[name] = _Seen(chosen, wanted - bias)

    hooks = [reference.get_submodule(name).register_forward_hook(partial(remember, name)) for name in names]
    with _removed(hooks), torch.no_grad():
        reference(*sample)
    return seen


def _improve(layer: Any, read: Tensor, wanted: Tensor, solve: Solve) -> None:
    weight = weight_rows(layer, float_weight(layer))
    hessian = read.mT @ read / read.shape[1]
    # What the layers before got wrong is made up for first, in float.
    missing = (wanted - read @ weight.mT).mT @ read / read.shape[1]
    moved = weight + torch.linalg.solve(damped(hessian), missing.mT).mT
    found = solve(Problem(layer, moved, hessian, read, wanted))
    original = layer.parametrizations["weight"].original
    original.copy_(found.reshape(original.shape))
    left = (wanted - read @ weight_rows(layer, layer.weight).mT).mean(1).flatten()
    layer.bias = nn.Parameter(left if layer.bias is None else layer.bias + left)


def damped(hessian: Tensor) -> Tensor:
    """The Hessian with so much added to its diagonal that it can be inverted; inputs that are always 0 get 1."""
    diagonal = hessian.diagonal(dim1=1, dim2=2)
    mean = diagonal.mean(1, keepdim=True)
    added = torch.where(diagonal > 0, _DAMPING * mean, torch.ones_like(diagonal))
    return hessian + torch.diag_embed(added)


def float_weight(layer: Any) -> Tensor:
    """The weight before it was put on a grid, with its zeros."""
    value: Tensor = layer.parametrizations["weight"].original
    for one in constraints_of(layer):
        value = one(value) if isinstance(one, Mask) else value
    return value.detach()


def _in_float(module: nn.Module) -> nn.Module:
    """A copy without grids and quantizers."""
    twin = copy.deepcopy(module)
    activations.set_state(twin, observing=False, rounding=False)
    for layer in twin.modules():
        constrained: Any = layer
        for place, one in enumerate(constraints_of(layer)):
            if not isinstance(one, Mask):
                # Removed, it would be gone from the module's class too, which copies share.
                constrained.parametrizations["weight"][place] = nn.Identity()
    return twin


@contextlib.contextmanager
def _removed(hooks: Sequence[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
