"""How much every way to store a layer's weight changes what the model says, on calibration data and without labels.

To second order, and for one layer at a time. Where outputs are scores of classes, the change is the divergence (nats)
of the classes' distribution from the float model's: KL = E[(g . d)^2] / 2, over examples and classes drawn from the
model's own distribution, where d is the change of the layer's outputs and g the gradient of the drawn class's log
probability there (Kunstner, Balles and Hennig, "Limitations of the empirical Fisher approximation", 2019). Elsewhere it
is the noise of the outputs relative to the outputs themselves, probed with random directions (Hutchinson 1990).

(g . d) is the product of an example's gradient of the weight with the weight's change, so that one forward and one
backward pass of the data serve all layers and storages.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from exporter.compression.model import Examples
from exporter.data.progress import Advance
from exporter.sources.outputs import flatten

Judged = Literal["classes", "values"]
"""What outputs are: scores of classes along the second axis, or quantities."""

Changes = Mapping[str, Sequence[Tensor]]
"""Layer -> how its weight changes, of the weight's shape, one a storage."""


def output_errors(
    module: nn.Module, batches: Sequence[Examples], changes: Changes, judged: Judged, seed: int, advance: Advance
) -> dict[str, list[float]]:
    """What each change of each layer's weight alone does to the outputs, in the order of `changes`.

    Args:
        module: in eval mode.
        batches: calibration data.
        judged: see the module's docstring.
        seed: of the drawn classes, or directions.
        advance: called with the batches that are done and all.
    """
    generator = torch.Generator().manual_seed(seed)
    totals = {layer: torch.zeros(len(given), dtype=torch.float64) for layer, given in changes.items()}
    examples = 0
    for done, inputs in enumerate(batches, 1):
        with _watched(module, changes) as products, torch.enable_grad():
            probe(flatten(module(*tracked(inputs))), judged, generator).backward()
        for layer, found in products.items():
            totals[layer] += (found.double() ** 2).sum(1)
        examples += len(inputs[0])
        module.zero_grad(set_to_none=True)
        advance(done, len(batches))
    return {layer: (total / (scale_of(judged) * max(examples, 1))).tolist() for layer, total in totals.items()}


def scale_of(judged: Judged) -> int:
    """By which E[(g . d)^2] is divided: a divergence is half of it."""
    return 2 if judged == "classes" else 1


def tracked(inputs: Examples) -> Examples:
    """Inputs through which gradients flow, so that they reach the first layer whatever is frozen."""
    return tuple(one.detach().requires_grad_(one.is_floating_point()) for one in inputs)


def probe(outputs: Sequence[Tensor], judged: Judged, generator: torch.Generator) -> Tensor:
    """A scalar whose gradient is g: the log probability of drawn classes, or the outputs along random directions."""
    if judged == "classes":
        logs = outputs[0].flatten(2).movedim(1, -1).flatten(0, -2) if outputs[0].dim() > 2 else outputs[0]
        logs = logs.log_softmax(-1)
        drawn = torch.multinomial(logs.detach().exp(), 1, generator=generator)
        return logs.gather(1, drawn).sum()
    return torch.stack([_relative(one, generator) for one in outputs if one.is_floating_point()]).sum()


def _relative(output: Tensor, generator: torch.Generator) -> Tensor:
    """A random direction of each example's output, over the output's own length."""
    direction = torch.randn(output.shape, generator=generator)
    length = output.detach().flatten(1).norm(dim=1).clamp_min(1e-12)
    along: Tensor = (output * direction).flatten(1).sum(1) / length
    return along.sum()


@contextlib.contextmanager
def _watched(module: nn.Module, changes: Changes) -> Iterator[dict[str, Tensor]]:
    """Gives, after a backward pass, (g . d) of every layer's changes, (changes, examples), summed over its calls."""
    products: dict[str, Tensor] = {}
    hooks = []
    for name, given in changes.items():
        layer = module.get_submodule(name)
        stacked = torch.stack([one.flatten() for one in given])
        hooks.append(layer.register_forward_hook(partial(_remember, products, name, stacked)))
    try:
        yield products
    finally:
        for hook in hooks:
            hook.remove()


def _remember(
    products: dict[str, Tensor], name: str, given: Tensor, layer: nn.Module, read: Any, output: Tensor
) -> None:
    value = read[0].detach()

    def collect(gradient: Tensor) -> None:
        with torch.no_grad():
            found = given @ _weight_gradients(layer, value, gradient.detach()).mT
        products[name] = products[name] + found if name in products else found

    output.register_hook(collect)


def _weight_gradients(layer: Any, value: Tensor, gradient: Tensor) -> Tensor:
    """Of each example, (examples, elements): with a change of the weight they give (g . d) of the example.

    Without what the mean of a change gives, which the bias makes up for; but for transposed convolutions, whose
    channels lie otherwise.
    """
    each = torch.stack([_weight_gradient(layer, value[[one]], gradient[[one]]) for one in range(len(value))])
    if not getattr(layer, "transposed", False):
        rows = _channels_last(layer, gradient).reshape(len(value), -1, len(layer.weight))
        mean = _weight_gradient(layer, value, torch.ones_like(gradient)) / (rows.shape[0] * rows.shape[1])
        each -= rows.sum(1).view(*each.shape[:2], *[1] * (each.dim() - 2)) * mean
    return each.flatten(1)


def _weight_gradient(layer: Any, value: Tensor, gradient: Tensor) -> Tensor:
    """Summed over examples, of the weight's shape."""
    if isinstance(layer, nn.Linear):
        return gradient.flatten(0, -2).mT @ value.flatten(0, -2)
    padding, padded = layer.padding, value
    if not layer.transposed:
        mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
        padding, padded = (0,) * len(layer.stride), functional.pad(value, layer._reversed_padding_repeated_twice, mode)
    found: Tensor = torch.ops.aten.convolution_backward(
        gradient,
        padded,
        layer.weight,
        None,
        layer.stride,
        padding,
        layer.dilation,
        layer.transposed,
        layer.output_padding,
        layer.groups,
        (False, True, False),
    )[1]
    return found


def _channels_last(layer: nn.Module, gradient: Tensor) -> Tensor:
    return gradient if isinstance(layer, nn.Linear) else gradient.movedim(1, -1)
