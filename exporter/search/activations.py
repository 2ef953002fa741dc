"""How much int8 inputs of a layer change what the model says, on calibration data and without labels.

As in `exporter.search.sensitivity`, to second order and for one layer at a time: (g . d) is the product of an example's
gradient of the layer's input with what rounding changes in it. Ranges are the extremes over the calibration data, zero
included, as converters take them.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.model import Examples
from exporter.data.progress import Advance
from exporter.search.sensitivity import Judged, probe, scale_of, tracked
from exporter.sources.outputs import flatten

_STEPS = 255
"""Of an affine int8 grid."""

Range = tuple[float, float]


def activation_errors(
    module: nn.Module,
    batches: Sequence[Examples],
    layers: Sequence[str],
    judged: Judged,
    seed: int,
    advance: Advance,
) -> dict[str, float]:
    """What int8 inputs of each layer alone do to the outputs; layers that no example reaches are left out.

    Args:
        module: in eval mode.
        batches: calibration data.
        layers: dotted names.
        judged: what outputs are.
        seed: of the drawn classes, or directions.
        advance: called with the batches that are done and all.
    """
    ranges = _ranges(module, batches, layers)
    generator = torch.Generator().manual_seed(seed)
    totals = dict.fromkeys(ranges, 0.0)
    examples = 0
    for done, inputs in enumerate(batches, 1):
        with _watched(module, ranges) as products, torch.enable_grad():
            probe(flatten(module(*tracked(inputs))), judged, generator).backward()
        for layer, found in products.items():
            totals[layer] += float((found.double() ** 2).sum())
        examples += len(inputs[0])
        module.zero_grad(set_to_none=True)
        advance(done, len(batches))
    return {layer: total / (scale_of(judged) * max(examples, 1)) for layer, total in totals.items()}


def _ranges(module: nn.Module, batches: Sequence[Examples], layers: Sequence[str]) -> dict[str, Range]:
    found: dict[str, Range] = {}

    def look(name: str, layer: nn.Module, read: Any) -> None:
        value = read[0]
        if value.is_floating_point():
            low, high = found.get(name, (0.0, 0.0))
            found[name] = min(low, float(value.min())), max(high, float(value.max()))

    with contextlib.ExitStack() as hooks, torch.no_grad():
        for name in layers:
            hook = module.get_submodule(name).register_forward_pre_hook(partial(look, name))
            hooks.callback(hook.remove)
        for inputs in batches:
            module(*inputs)
    return found


@contextlib.contextmanager
def _watched(module: nn.Module, ranges: dict[str, Range]) -> Iterator[dict[str, Tensor]]:
    """Gives, after a backward pass, (g . d) of every layer's inputs, (examples,), summed over its calls."""
    products: dict[str, Tensor] = {}
    with contextlib.ExitStack() as hooks:
        for name, given in ranges.items():
            hook = module.get_submodule(name).register_forward_pre_hook(partial(_remember, products, name, given))
            hooks.callback(hook.remove)
        yield products


def _remember(products: dict[str, Tensor], name: str, given: Range, layer: nn.Module, read: Any) -> None:
    value = read[0]
    if not value.requires_grad:
        return
    change = _rounded(value.detach(), given) - value.detach()

    def collect(gradient: Tensor) -> None:
        found = (gradient.detach() * change).flatten(1).sum(1)
        products[name] = products[name] + found if name in products else found

    value.register_hook(collect)


def _rounded(value: Tensor, given: Range) -> Tensor:
    low, high = given
    step = max((high - low) / _STEPS, 1e-12)
    zero = round(-low / step)
    return ((value / step).round() + zero).clamp(0, _STEPS).sub(zero).mul(step)
