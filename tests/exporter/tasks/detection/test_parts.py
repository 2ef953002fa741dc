"""A head taken apart, of code and of a graph: protects eager models, .pt2 files and what recipes leave."""

import copy
import types
from typing import Any

import pytest
import torch
from torch import fx, nn

from exporter.data.facts.hints import ActivationRange, CompressionHints, probe_input, signature
from exporter.tasks.detection.parts import chosen, hints_left


class _Head(nn.Module):
    """Boxes and scores as one output, then raw maps that nothing decodes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.boxes, self.scores = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 4, 1), nn.Conv2d(6, 3, 1)

    def forward(self, image: torch.Tensor) -> Any:
        x = torch.relu(self.stem(image))
        boxes, scores = self.boxes(x).flatten(2), self.scores(x).flatten(2).sigmoid()
        return torch.cat([boxes, scores], 1), {"raw": boxes * 2}


class _Otherwise(_Head):
    def forward(self, image: torch.Tensor) -> Any:
        whole, rest = super().forward(image)
        return whole * 1.5, rest


IMAGE = torch.from_numpy(probe_input((1, 3, 4, 4), 0))


def _exported(module: nn.Module) -> Any:
    return torch.export.export(module, (IMAGE,)).module()


def _patched(module: nn.Module) -> nn.Module:
    """As libraries change what a model gives: a forward on the instance."""
    whole = type(module).forward
    module.forward = types.MethodType(lambda self, image: whole(self, image), module)
    return module


FORMS = {"code": nn.Module.eval, "instance": _patched, "graph": _exported, "fx": fx.symbolic_trace}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    return lambda module: FORMS[request.param](module.eval())


def test_the_parts_are_what_the_whole_is_made_of(form: Any) -> None:
    module = form(_Head())
    head = chosen(module, (0,), in_parts=True)
    with torch.no_grad():
        parts, whole = head(IMAGE), module(IMAGE)[0]
    assert [tuple(part.shape) for part in parts] == [(1, 4, 16), (1, 3, 16)]
    assert torch.equal(torch.cat(parts, 1), whole)
    layers = {"stem.weight", "boxes.weight", "scores.weight"}
    assert layers <= {name for name, _ in head.named_parameters()}


def test_whole_outputs_are_chosen_by_their_places(form: Any) -> None:
    module = form(_Head())
    with torch.no_grad():
        given, wanted = chosen(module, (1, 0), in_parts=False)(IMAGE), module(IMAGE)
    assert torch.equal(given[0], wanted[1]["raw"])
    assert torch.equal(given[1], wanted[0])


def test_what_is_no_concatenation_stays_whole(form: Any) -> None:
    assert [tuple(part.shape) for part in chosen(form(_Otherwise()), (0,), in_parts=True)(IMAGE)] == [(1, 7, 16)]


def test_torch_fx_and_copies_see_the_parts(form: Any) -> None:
    """Protects equalization, which traces a copy: by the class, where the model's whole forward would be."""
    head = chosen(form(_Head()), (0,), in_parts=True)
    with torch.no_grad():
        wanted = [value.clone() for value in head(IMAGE)]
        again = fx.symbolic_trace(copy.deepcopy(head))
        head.get_parameter("stem.weight").zero_()
        assert [torch.equal(a, b) for a, b in zip(again(IMAGE), wanted, strict=True)] == [True, True]


def test_ranges_of_what_is_left_out_are_left_out() -> None:
    """Protects recipes: a range without its value in the converted file is an error there."""
    module = _exported(_Head().eval())
    with torch.no_grad():
        x = torch.relu(module.stem.weight.new_tensor(0) + nn.functional.conv2d(IMAGE, *module.stem.parameters()))
        whole, rest = module(IMAGE)
    found = {"stem": x, "boxes": whole[:, :4], "cat": whole, "raw": rest["raw"]}
    ranges = tuple(
        ActivationRange(
            name=name, minimum=-1, maximum=1, elements=value.numel(), signatures=(signature(value.numpy()),)
        )
        for name, value in found.items()
    )
    hints = CompressionHints(activations=ranges)
    parts = chosen(module, (0,), in_parts=True)
    assert [one.name for one in hints_left(hints, parts, module).activations] == ["stem", "boxes"]
    both = chosen(module, (0, 1), in_parts=False)
    assert hints_left(hints, both, module) == hints
