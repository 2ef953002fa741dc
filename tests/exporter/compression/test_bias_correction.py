"""Bias correction takes the mean error out of every layer, each one corrected before the next is measured."""

import copy

import torch
from torch import Tensor, nn

from exporter.compression.forms.biases import correct_biases


def outputs_by_name(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    handles = [
        model.get_submodule(name).register_forward_hook(lambda _, __, output, name=name: found.update({name: output}))
        for name in names
    ]
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return found


def test_the_mean_of_every_channel_is_that_of_the_float_model() -> None:
    """Protects static int8 of depthwise networks, whose coarse weights shift the means."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8, bias=False), nn.ReLU(), nn.Conv2d(8, 4, 1)]
    reference = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).eval()
    coarse = copy.deepcopy(reference)
    with torch.no_grad():
        for parameter in coarse.parameters():
            parameter.copy_((parameter * 8).round() / 8)
    images = torch.randn(20, 3, 12, 12)
    names = ["0", "2", "4", "7"]
    correct_biases(coarse, reference, names, [(part,) for part in images.split(10)])
    wanted, found = outputs_by_name(reference, names, images), outputs_by_name(coarse, names, images)
    for name in names:
        axes = [axis for axis in range(found[name].dim()) if axis != 1]
        assert torch.allclose(found[name].mean(axes), wanted[name].mean(axes), atol=1e-5), name
        assert not torch.allclose(found[name], wanted[name], atol=1e-3)
