"""Bias correction: takes the mean error out of the output of every quantized layer."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.forms.batches import spread
from exporter.compression.layers import CONVOLUTIONS
from exporter.compression.model import Examples


def correct_biases(
    quantized: nn.Module, reference: nn.Module, names: Sequence[str], batches: Sequence[Examples]
) -> None:
    """Move each layer's bias by the mean error of its output, first layer first (Nagel et al. 2019, appendix D).

    One pass: a layer's corrected output is what the next one sees. All examples must go through a layer before the next
    one's turn, so memory bounds them: 128, spread over the calibration data.
    """
    sample = spread(batches)
    wanted: dict[str, Tensor] = {}

    def remember(name: str, layer: nn.Module, output: Tensor) -> None:
        wanted.setdefault(name, _channel_means(layer, output))

    def correct(name: str, layer: Any, output: Tensor) -> Tensor | None:
        if name not in wanted:
            return None  # a layer that is called again has its bias already
        correction = wanted.pop(name) - _channel_means(layer, output)
        layer.bias = nn.Parameter(correction if layer.bias is None else layer.bias + correction)
        return output + correction.view(-1, *[1] * (output.dim() - 2 if isinstance(layer, CONVOLUTIONS) else 0))

    with torch.no_grad():
        for model, hook in ((reference, remember), (quantized, correct)):
            with _hooked(model, names, hook):
                model(*sample)


def _channel_means(layer: nn.Module, output: Tensor) -> Tensor:
    axis = 1 if isinstance(layer, CONVOLUTIONS) else -1
    return output.movedim(axis, 0).flatten(1).mean(1)


@contextlib.contextmanager
def _hooked(model: nn.Module, names: Sequence[str], hook: Callable[[str, nn.Module, Tensor], Any]) -> Iterator[None]:
    handles = [
        model.get_submodule(name).register_forward_hook(lambda layer, _, output, name=name: hook(name, layer, output))
        for name in names
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
