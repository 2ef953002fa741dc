"""What is predicted of a small change of a layer's weight is about what it does, whatever the layer is."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from exporter.compression.model import unwatched
from exporter.search.activations import activation_errors
from exporter.search.sensitivity import output_errors

EXAMPLES, BATCH, SMALL, FACTOR = 512, 64, 0.02, 2.0


class Twice(nn.Module):
    """A layer that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = nn.Linear(12, 16), nn.Linear(16, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.last(torch.tanh(self.again(torch.tanh(self.again(torch.tanh(self.first(x)))))))
        return found


class Words(nn.Module):
    """Integers in: no gradient reaches them."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.mix, self.last = nn.Embedding(20, 12), nn.Conv1d(12, 16, 3, padding=1), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.last(torch.relu(self.mix(self.embedding(x).transpose(1, 2))).mean(2))
        return found


def images() -> nn.Module:
    layers = [nn.Conv2d(3, 12, 3), nn.ReLU(inplace=True), nn.Conv2d(12, 24, 3, groups=4, stride=2, padding=1)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(216, 5))


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor]]] = {
    "called twice": (Twice, lambda: torch.randn(EXAMPLES, 12)),
    "words": (Words, lambda: torch.randint(0, 20, (EXAMPLES, 7))),
    "images": (images, lambda: torch.randn(EXAMPLES, 3, 8, 8)),
}


@pytest.mark.parametrize("judged", ["classes", "values"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_predicted_is_about_what_happens(case: str, judged: str) -> None:
    """Protects the whole search: layers are chosen by these numbers alone."""
    torch.manual_seed(0)
    make, draw = CASES[case]
    module, inputs = make().eval(), draw()
    changes = {name: [SMALL * torch.randn_like(layer.weight)] for name, layer in weighted(module).items()}
    batches = [(batch,) for batch in inputs.split(BATCH)]
    found = output_errors(module, batches, changes, judged, 0, unwatched)  # type: ignore[arg-type]
    assert set(found) == set(changes)
    for name, (change,) in changes.items():
        measured = measured_error(module, name, change, inputs, judged)
        assert measured / FACTOR < found[name][0] < measured * FACTOR, name


@pytest.mark.parametrize("judged", ["classes", "values"])
@pytest.mark.parametrize("case", CASES)
def test_what_integer_inputs_cost_is_about_what_they_do(case: str, judged: str) -> None:
    """Protects which layers stay in floating point; torch's own fake quantization says what happens."""
    torch.manual_seed(0)
    make, draw = CASES[case]
    module, inputs = make().eval(), draw()
    batches = [(batch,) for batch in inputs.split(BATCH)]
    found = activation_errors(module, batches, list(weighted(module)), judged, 0, unwatched)  # type: ignore[arg-type]
    assert set(found) == set(weighted(module))
    for name, layer in weighted(module).items():
        before = module(inputs).detach()
        hook = layer.register_forward_pre_hook(on_int8_grid(module, name, inputs))
        measured = error_of(module(inputs).detach(), before, judged)
        hook.remove()
        assert measured / FACTOR < found[name] < measured * FACTOR, name


def on_int8_grid(module: nn.Module, name: str, inputs: Tensor) -> Callable[..., tuple[Tensor]]:
    """Rounds what the layer reads; over all of its calls one grid, from the extremes."""
    read: list[Tensor] = [torch.zeros(1)]
    hook = weighted(module)[name].register_forward_pre_hook(lambda _, given: read.append(given[0].detach().flatten()))
    module(inputs)
    hook.remove()
    low, high = float(torch.cat(read).min()), float(torch.cat(read).max())
    step = (high - low) / 255
    zero = round(-low / step)
    return lambda _, given: (torch.fake_quantize_per_tensor_affine(given[0], step, zero, 0, 255),)


def weighted(module: nn.Module) -> dict[str, nn.Linear]:
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d)
    return {name: one for name, one in module.named_modules() if isinstance(one, kinds)}  # type: ignore[misc]


def measured_error(module: nn.Module, name: str, change: Tensor, inputs: Tensor, judged: str) -> float:
    """Of the changed weight, with the bias that keeps the layer's mean."""
    layer = weighted(module)[name]
    before = layer.weight.detach().clone(), layer.bias.detach().clone()
    means: list[Tensor] = []
    axis = -1 if isinstance(layer, nn.Linear) else 1
    hook = layer.register_forward_hook(lambda _, __, out: means.append(out.movedim(axis, -1).flatten(0, -2).mean(0)))
    with torch.no_grad():
        plain = module(inputs)
        was = means.copy()
        layer.weight.add_(change)
        module(inputs)
        if len(was) == 1:
            layer.bias.add_(was[0] - means[1])
        hook.remove()
        changed = module(inputs)
        layer.weight.copy_(before[0])
        layer.bias.copy_(before[1])
    return error_of(changed, plain, judged)


def error_of(changed: Tensor, plain: Tensor, judged: str) -> float:
    """Divergence of the classes, or noise against signal."""
    if judged == "classes":
        logs, others = plain.log_softmax(1), changed.log_softmax(1)
        return float(functional.kl_div(others, logs, log_target=True, reduction="batchmean"))
    return float(((changed - plain).norm(dim=1) ** 2 / plain.norm(dim=1) ** 2).mean())
