"""Mixed precision: every layer has the form that its rules say, and forms that do not exist are refused."""

from typing import Any

import pytest
import torch
from torch import nn

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressedModel, CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.data.errors import UsageProblem
from exporter.data.facts.hints import WeightForm

RULES = [
    {"name": "^0$", "apply": False},
    {"name": "^2$", "form": "table", "bits": 3, "granularity": "per_grouped_channel", "group_size": 4},
    {"name": "^4$", "bits": 4, "granularity": "per_block", "block_size": 8},
    {"type": "Linear", "form": "float16"},
]
FORMS = (
    WeightForm(name="2.weight", form="table", bits=3, group_size=4),
    WeightForm(name="4.weight", form="linear", bits=4, group_size=1, block_size=8),
    WeightForm(name="6.weight", form="linear", bits=8, group_size=1),
    WeightForm(name="8.weight", form="float16", bits=16),
)


def network() -> nn.Module:
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3)]
    return nn.Sequential(*convolutions, nn.ReLU(), nn.Conv2d(16, 8, 1), nn.Flatten(), nn.Linear(72, 10)).eval()


def compressed(**options: Any) -> CompressedModel:
    images = torch.randn(64, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    recipe = parse_recipe("test", {"steps": [{"method": "mixed_precision", **options}]})
    return apply_recipe(network(), (images[:1],), recipe, CompressionData(calibration=((images,),)))


@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
def test_every_layer_has_the_form_that_rules_say(rounding: str) -> None:
    """Protects the answer of a search: what is named is what the file holds; the stem keeps float32."""
    found = compressed(rounding=rounding, rules=RULES)
    assert found.hints.weights == FORMS
    assert found.steps[0].notes["layers_by_form"] == {
        "float16": 1, "grid, 4 bits": 1, "grid, 8 bits": 1, "table, 3 bits": 1,
    }  # fmt: skip
    assert [(item.name, item.reason) for item in found.steps[0].left_alone] == [("0.weight", "excluded by a rule")]
    assert torch.equal(found.module.get_parameter("0.weight"), network().get_parameter("0.weight"))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "bits of a grid": ({"bits": 3}, "a grid has 4 or 8 bits, not 3; a table may have 1 to 8"),
    "grid by groups": ({"granularity": "per_grouped_channel"}, "a grid is per_channel or per_block"),
    "table by blocks": (
        {"rules": [{"name": "2", "form": "table", "granularity": "per_block"}]},
        r"rules\.0: a table is per_tensor or per_grouped_channel, not per_block",
    ),
    "by two rules": (
        {"form": "table", "bits": 4, "rules": [{"name": "2", "form": "grid"}, {"name": "2", "bits": 6}]},
        "mixed_precision: 2: a grid has 4 or 8 bits, not 6",
    ),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_forms_that_do_not_exist_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        compressed(**options)


def test_layers_that_cannot_have_their_form_are_named() -> None:
    """Protects from files larger than thought: each layer that stays float is reported with the reason."""
    found = compressed(form="table", bits=2, granularity="per_grouped_channel", min_elements=500)
    reasons = {item.name: item.reason for item in found.steps[0].left_alone}
    assert reasons == {
        "0.weight": "fewer than 500 elements (min_elements)",
        "6.weight": "fewer than 500 elements (min_elements)",
        "8.weight": "its 10 output channels are no multiple of 16 (group_size)",
    }


def test_weights_do_not_depend_on_how_many_cores_there_are() -> None:
    """Protects what a search applies: its trials have one core each, and `run` has all."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 128)).eval()
    data = CompressionData(calibration=tuple((torch.randn(16, 256),) for _ in range(8)))
    step = {"method": "mixed_precision", "form": "table", "bits": 3, "rounding": "gptq"}
    recipe = parse_recipe("small", {"steps": [step]})
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 4):
            torch.set_num_threads(threads)
            found.append(apply_recipe(net, (torch.randn(1, 256),), recipe, data).module.state_dict())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())
