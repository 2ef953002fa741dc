"""Rounds the layers of a model, first to last, each to what it does in the float model on inputs of the rounded one."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from exporter.compression.forms import activations
from exporter.compression.layers import weight_of
from exporter.compression.model import Context, Examples, own_copy
from exporter.compression.rounding.patches import outputs_at, patches_at, places, weight_rows


class Problem(NamedTuple):
    """What is known of a layer when it is rounded.

    Attributes:
        layer: in float, with masks where zeros are kept.
        weight: (groups, outputs, inputs): floats that give the wanted outputs best on inputs of the rounded model.
        hessian: (groups, inputs, inputs): mean of the outer products of what the layer reads.
        moment: (groups, outputs, inputs): mean of the wanted outputs times what the layer reads.
    """

    layer: nn.Module
    weight: Tensor
    hessian: Tensor
    moment: Tensor


_DAMPING = 0.1
"""Share of the mean of the Hessian's diagonal that is added to it: few images say little of wide layers. MobileNetV2
with 4 bits a weight on 128 of them: outputs of 6.1, 6.7 and 7.2 dB with 0.01 (as in the paper), 0.03 and 0.1."""

Put = Callable[[Problem], None]
"""Gives the layer's weight its form, with values that are good on data."""


class _Seen(NamedTuple):
    chosen: Tensor
    wanted: Tensor


def round_layers(
    module: nn.Module,
    reference: nn.Module,
    puts: Mapping[str, Put],
    sample: Examples,
    reference_sample: Examples,
    context: Context,
) -> set[str]:
    """Give each layer its form, and take the mean error that is left out of its outputs.

    All examples go through a layer before the next one's turn, so that each makes up for what those before got wrong.
    Layers that no example reaches stay as they are.

    Args:
        module: changed in place; the layers' weights are in float.
        reference: `float_copy` of it.
        puts: what gives a layer its form, by the layer's name.
        sample: what the module reads of all examples, as one batch.
        reference_sample: what the reference reads of them.
        context: its seed draws the places that are looked at.

    Returns:
        Names of the layers that were given their forms.
    """
    seen = _wanted(reference, list(puts), reference_sample, torch.Generator().manual_seed(context.seed))
    reached = set(seen)

    def improve(name: str, layer: nn.Module, inputs: Any, named: Any) -> None:
        if name not in seen:
            return  # a layer that is called again
        chosen, outputs = seen.pop(name)
        read = patches_at(layer, inputs[0] if inputs else named["input"], chosen)
        _improve(layer, read, outputs, puts[name])
        context.advance(len(reached) - len(seen), len(reached))

    hooks = [
        module.get_submodule(name).register_forward_pre_hook(partial(improve, name), with_kwargs=True) for name in puts
    ]
    with _removed(hooks), torch.no_grad():
        module(*sample)
    return reached


def float_copy(module: nn.Module) -> nn.Module:
    """A copy of a model whose layers are still in float, with its activations in float too."""
    twin = own_copy(module)
    activations.set_state(twin, observing=False, rounding=False)
    return twin


def _wanted(
    reference: nn.Module, names: Sequence[str], sample: Examples, generator: torch.Generator
) -> dict[str, _Seen]:
    """Outputs of the float model's layers at drawn places, without biases."""
    seen = dict[str, _Seen]()

    def remember(name: str, layer: Any, _: Any, output: Tensor) -> None:
        if name not in seen:
            chosen = places(layer, output, generator)
            outputs = outputs_at(layer, output, chosen)
            bias = 0 if layer.bias is None else layer.bias.view(outputs.shape[0], 1, -1)
            seen[name] = _Seen(chosen, outputs - bias)

    hooks = [reference.get_submodule(name).register_forward_hook(partial(remember, name)) for name in names]
    with _removed(hooks), torch.no_grad():
        reference(*sample)
    return seen


def _improve(layer: Any, read: Tensor, wanted: Tensor, put: Put) -> None:
    weight = weight_rows(layer, weight_of(layer))
    hessian = read.mT @ read / read.shape[1]
    moment = wanted.mT @ read / read.shape[1]
    # What the layers before got wrong is made up for first, in float.
    missing = moment - weight @ hessian
    moved = weight + torch.cholesky_solve(missing.mT, torch.linalg.cholesky(damped(hessian))).mT
    put(Problem(layer, moved, hessian, moment))
    left = (wanted.mean(1, keepdim=True) - read.mean(1, keepdim=True) @ weight_rows(layer, layer.weight).mT).flatten()
    layer.bias = nn.Parameter(left if layer.bias is None else layer.bias + left)


def damped(hessian: Tensor) -> Tensor:
    """The Hessian with so much added to its diagonal that it can be inverted; inputs that are always 0 get 1."""
    diagonal = hessian.diagonal(dim1=1, dim2=2)
    mean = diagonal.mean(1, keepdim=True)
    added = torch.where(diagonal > 0, _DAMPING * mean, torch.ones_like(diagonal))
    return hessian + torch.diag_embed(added)


def set_float(layer: Any, rows: Tensor) -> None:
    """Give a layer that is still in float this weight, (groups, outputs, inputs); zeros that it keeps stay."""
    masked = hasattr(layer, "parametrizations")
    weight: Tensor = layer.parametrizations["weight"].original if masked else layer.weight
    weight.detach().copy_(rows.reshape(weight.shape))


@contextlib.contextmanager
def _removed(hooks: Sequence[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
