"""Rounding on data: rows are what layers read, GPTQ loses less than rounding to nearest, forms and zeros are kept."""

import copy
from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from exporter.compression.apply import apply_recipe
from exporter.compression.forms.folding import fold_batch_norms, traced
from exporter.compression.model import CompressedModel, CompressionData
from exporter.compression.pruning.masks import mask_of
from exporter.compression.recipe import parse_recipe
from exporter.compression.rounding.blocks import Values, parts
from exporter.compression.rounding.gptq import inverse_factor, rounded
from exporter.compression.rounding.layers import Problem
from exporter.compression.rounding.patches import outputs_at, patches_at, places, weight_rows
from exporter.compression.rounding.rounding import WAYS
from exporter.compression.rounding.soft import SoftGrid
from exporter.compression.rounding.sparsegpt import _put
from exporter.compression.rounding.tables import clustered, fitted
from exporter.data.errors import UsageProblem
from exporter.data.settings.recipe import Rounding
from tests.exporter.compression import networks
from tests.exporter.compression.networks import Block

BATCH = 96
GROUPED = {"granularity": "per_grouped_channel", "group_size": 2}
MIXED = [{"name": "[37]", "form": "table"}, {"type": "Linear", "granularity": "per_block", "block_size": 16}]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network() -> nn.Module:
    """Depthwise, grouped and strided convolutions with batch norms, and a linear layer."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 12, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU6(),
        nn.Conv2d(12, 12, 3, padding=1, groups=12),
        nn.ReLU6(),
        nn.Conv2d(12, 16, 1, groups=2),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 3),
        nn.ReLU6(),
        nn.Flatten(),
        nn.Linear(16 * 36, 10),
    ]
    return nn.Sequential(*layers).eval()


def images(seed: int) -> Tensor:
    """Noise that is smooth, as neighbouring pixels of pictures are like one another."""
    noise = torch.randn(BATCH, 3, 5, 5, generator=seeded(seed))
    return nn.functional.interpolate(noise, (16, 16), mode="bilinear") + 0.1


def compressed(*steps: dict[str, Any]) -> CompressedModel:
    data = CompressionData(calibration=((images(1)[:40],), (images(1)[40:],)))
    return apply_recipe(network(), (images(0)[:1],), parse_recipe("test", {"steps": steps}), data)


def loss(found: nn.Module) -> float:
    """Mean square error of the outputs on other images."""
    with torch.no_grad():
        return float((found(images(2)) - network()(images(2))).square().mean())


@given(
    st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.integers(0, 2), st.sampled_from([1, 2, 4]),
    st.sampled_from(["zeros", "replicate", "circular"]), st.booleans(),
)  # fmt: skip
def test_a_layer_is_its_weight_times_its_rows(
    kernel: int, stride: int, dilation: int, padding: int, groups: int, mode: Any, planar: bool
) -> None:
    """Protects every figure behind: what is read at a place gives what the layer gives there."""
    kind: Any = nn.Conv2d if planar else nn.Conv1d
    layer = kind(4, 8, kernel, stride, padding, dilation, groups, padding_mode=mode, bias=False)
    value = torch.randn(3, 4, *([7, 6] if planar else [9]), generator=seeded(1))
    check_rows(layer, value)


@pytest.mark.parametrize("shape", [(3, 5), (3, 4, 5), (2, 3, 4, 5)])
def test_a_linear_layer_is_its_weight_times_its_rows(shape: tuple[int, ...]) -> None:
    check_rows(nn.Linear(5, 7, bias=False), torch.randn(shape, generator=seeded(2)))


def check_rows(layer: nn.Module, value: Tensor) -> None:
    with torch.no_grad():
        output = layer(value)
        chosen = places(layer, output, seeded(3))
        weight: Any = layer.weight
        made = patches_at(layer, value, chosen) @ weight_rows(layer, weight).mT
    torch.testing.assert_close(made, outputs_at(layer, output, chosen), rtol=1e-4, atol=1e-5)


def to_nearest(column: Tensor, index: Tensor) -> Tensor:
    return (column * 4).round() / 4


def test_inputs_without_correlation_are_rounded_to_nearest() -> None:
    weight = torch.randn(2, 5, 6, generator=seeded(4))
    hessian = torch.diag_embed(torch.rand(2, 6, generator=seeded(5)) + 0.1)
    torch.testing.assert_close(rounded(weight, hessian, to_nearest), to_nearest(weight, torch.empty(0)))


def test_two_inputs_that_are_all_but_the_same_share_their_error() -> None:
    """By hand: 0.1 and 0.1 on a grid of 0.25 are 0 of 0.2 to nearest; one step of it is nearer."""
    read = torch.randn(1, 4000, 1, generator=seeded(6)).expand(-1, -1, 2)
    read = read + 1e-3 * torch.randn(1, 4000, 2, generator=seeded(7))
    found = rounded(torch.full((1, 1, 2), 0.1), read.mT @ read / 4000, to_nearest)
    assert sorted(found.flatten().tolist()) == [0.0, 0.25]


STEPS: list[dict[str, Any]] = [
    {"method": "weight_quantization", "bits": 4},
    {"method": "weight_quantization", "bits": 8},
    {"method": "static_quantization", "weight_bits": 4},
    {"method": "weight_sharing", "bits": 4, "min_elements": 0},
    {"method": "weight_sharing", "bits": 3, "min_elements": 0, **GROUPED},
    {"method": "mixed_precision", "bits": 4, "rules": MIXED, "min_elements": 0},
]
TRAINED = [
    (STEPS[0], "adaround"),
    (STEPS[0], "brecq"),
    (STEPS[2], "brecq"),
    (STEPS[5], "adaround"),
    (STEPS[5], "brecq"),
]


@pytest.mark.parametrize(("step", "rounding"), [*((step, "gptq") for step in STEPS), *TRAINED])
def test_outputs_lose_less_than_to_nearest(step: dict[str, Any], rounding: str) -> None:
    """Protects what the option is for, on images that were not seen."""
    to_data = compressed({**step, "rounding": rounding})
    assert loss(to_data.module) < loss(compressed(step).module) / 2
    assert to_data.steps[-1].notes[f"layers_rounded_by_{rounding}"] == 5


def test_weights_keep_their_zeros_and_their_grid() -> None:
    """Protects sparse files, and the hand-over of integers: the grid that converters compute is the one here."""
    pruned = {"method": "magnitude_pruning", "sparsity": 0.5}
    before = dict(compressed(pruned).module.named_parameters())
    found = compressed(pruned, {"method": "weight_quantization", "bits": 4, "rounding": "gptq"})
    for name, weight in found.module.named_parameters():
        if not name.endswith("weight"):
            continue
        assert not weight[before[name] == 0].any()
        steps = 7 * weight / weight.flatten(1).abs().amax(1).view(-1, *[1] * (weight.dim() - 1))
        torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-4)


def test_tables_keep_zeros_and_are_what_is_stored() -> None:
    """Protects sparse tables, whose zeros have an entry of their own, and the values: float16, as in a file."""
    pruned = {"method": "magnitude_pruning", "sparsity": 0.5}
    before = dict(compressed(pruned).module.named_parameters())
    found = compressed(pruned, {"method": "weight_sharing", "bits": 3, "min_elements": 0, "rounding": "gptq"})
    assert [(form.form, form.bits, form.sparse) for form in found.hints.weights] == [("table", 3, True)] * 5
    for form in found.hints.weights:
        weight = found.module.get_parameter(form.name)
        assert not weight[before[form.name] == 0].any()
        assert len(weight.unique()) <= 8
        assert torch.equal(weight, weight.half().float())


def test_clusters_are_those_of_the_important_values() -> None:
    """By hand: two clusters; the value that counts for nothing draws none of them to it."""
    values = torch.tensor([[0.0, 0.2, 9.0, 1.0, 1.4], [1.0, 1.0, 3.0, 3.0, 3.0]])
    importance = torch.tensor([[1.0, 1.0, 0.0, 3.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    torch.testing.assert_close(clustered(values, importance, 2), torch.tensor([[0.1, 1.1], [1.0, 3.0]]))


def test_values_of_a_table_are_the_least_squares() -> None:
    """Protects the fit, against a solver that is told what each entry adds to the outputs."""
    read = torch.randn(1, 500, 6, generator=seeded(1))
    wanted = torch.randn(1, 500, 4, generator=seeded(2))
    places = torch.randint(0, 3, (1, 4, 6), generator=seeded(3))
    moment = wanted.mT @ read / 500
    problem = Problem(nn.Linear(6, 4), torch.zeros(1, 4, 6), read.mT @ read / 500, moment)
    found, _ = fitted(torch.zeros(1, 3), places, problem, torch.ones(1, 4, 6, dtype=torch.bool))
    added = torch.stack([read[0] @ (places[0] == entry).float().mT for entry in range(3)], -1)
    exact = torch.linalg.lstsq(added.reshape(-1, 3), wanted[0].reshape(-1, 1)).solution[:, 0]
    torch.testing.assert_close(found[0], exact, rtol=1e-2, atol=1e-3)


def test_errors_are_handed_on_over_blocks_as_one_by_one() -> None:
    """Protects wide layers: inputs of several blocks are rounded as in the plain algorithm of the paper."""
    read = torch.randn(1, 2000, 300, generator=seeded(9)) @ torch.randn(300, 300, generator=seeded(10))
    hessian, weight = read.mT @ read / 2000, torch.randn(1, 3, 300, generator=seeded(11))
    order = hessian[0].diagonal().argsort(descending=True)
    upper = inverse_factor(hessian[:, order][:, :, order])[0].double()
    left, plain = weight[0, :, order].double(), torch.empty(3, 300)
    for place in range(300):
        plain[:, order[place]] = (left[:, place] * 4).round().float() / 4
        error = (left[:, place] - plain[:, order[place]]) / upper[place, place]
        left[:, place:] -= error[:, None] * upper[place, place:]
    found = rounded(weight, hessian, to_nearest)[0]
    assert (found == plain).float().mean() > 0.98  # a value halfway may go either way in another precision

    def loss(made: Tensor) -> float:
        return float(((made - weight[0]) @ hessian[0] * (made - weight[0])).sum())

    assert loss(found) < 1.05 * loss(plain)


PRUNED: dict[str, dict[str, Any]] = {
    "single": {"method": "magnitude_pruning", "sparsity": 0.6},
    "two of four": {"method": "nm_pruning", "zeros": 2, "of": 4},
}


@pytest.mark.parametrize("step", PRUNED.values(), ids=PRUNED)
def test_zeros_chosen_on_data_lose_less(step: dict[str, Any]) -> None:
    """Protects what a reconstruction is for: as many zeros as by magnitude in each layer, and a smaller loss."""
    by_magnitude, on_data = compressed(step), compressed({**step, "reconstruction": "sparsegpt"})
    assert loss(on_data.module) < loss(by_magnitude.module) / 2
    before = by_magnitude.steps[0].after.layers
    assert [layer.nonzeros for layer in on_data.steps[0].after.layers] == [layer.nonzeros for layer in before]
    assert [form.form for form in on_data.hints.weights] == [form.form for form in by_magnitude.hints.weights]


def test_a_pattern_on_data_is_that_pattern() -> None:
    """Protects hardware that skips two of four: at each place of the kernel, whatever the order of solving."""
    found = compressed({"method": "nm_pruning", "zeros": 2, "of": 4, "reconstruction": "sparsegpt"})
    for form in found.hints.weights:
        weight = found.module.get_parameter(form.name)
        groups = torch.unflatten(weight.movedim(1, -1), -1, (-1, 4))
        assert ((groups == 0).sum(-1) == 2).all()


def test_a_zero_is_made_up_for() -> None:
    """By hand: of two inputs that are all but the same, one weight goes and the other takes it, damped by a tenth."""
    read = torch.randn(1, 4000, 1, generator=seeded(6)).expand(-1, -1, 2) * torch.tensor([1.0, 0.999])
    problem = Problem(nn.Linear(2, 1), torch.tensor([[[0.3, 0.4]]]), read.mT @ read / 4000, torch.zeros(1, 1, 2))
    _put(problem, 0.5)
    weight = problem.layer.get_parameter("parametrizations.weight.original") * mask_of(problem.layer).mask
    assert sorted(weight.flatten().tolist()) == pytest.approx([0.0, 0.4 + 0.3 / 1.1], abs=1e-3)


class Shortcut(nn.Module):
    """A layer, a residual block, and a block of two layers without a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.block = Block(8)
        self.plain = Plain()

    def forward(self, x: Tensor) -> Tensor:
        return self.plain(self.block(torch.relu(self.stem(x))))


class Plain(nn.Module):
    """Two layers in a block of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).mean((2, 3))


def test_a_model_is_cut_into_its_blocks() -> None:
    """Protects block reconstruction: blocks are whole, each is run alone, and in turn they are the model."""
    module = networks.seeded(Shortcut)
    fold_batch_norms(module)
    graph = traced(module)
    assert graph is not None
    names = {name for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d)}
    found = parts(graph, module, names)
    assert [part.layers for part in found] == [
        ("stem",), ("block.conv1", "block.conv2"), ("plain.layers.0", "plain.layers.2"),
    ]  # fmt: skip
    values: Values = {found[0].sources[0]: images(2)}
    with torch.no_grad():
        for part in found:
            values = part.run(values)
        torch.testing.assert_close(next(iter(values.values())), module(images(2)))


def test_time_that_runs_out_is_told_and_leaves_what_gptq_found() -> None:
    """Protects budgets: no time is no failure, and nothing is worse than without training."""
    step = {"method": "weight_quantization", "bits": 4}
    cut = compressed({**step, "rounding": "brecq", "rounding_budget": 1e-9})
    assert cut.steps[0].notes["trainings_cut_short"] == 5
    assert loss(cut.module) <= 1.2 * loss(compressed({**step, "rounding": "gptq"}).module)


def test_a_model_that_cannot_be_traced_is_refused() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x) if x.sum() > 0 else -self.layer(x)

    vectors = torch.randn(BATCH, 8, generator=seeded(8))
    recipe = parse_recipe("t", {"steps": [{"method": "weight_quantization", "rounding": "brecq"}]})
    with pytest.raises(UsageProblem, match="'brecq' must see the model's blocks"):
        apply_recipe(Branching().eval(), (vectors[:1],), recipe, CompressionData(((vectors,),)))


def test_soft_steps_begin_at_the_weight_and_end_on_the_grid() -> None:
    """Protects what a training begins with, and the integers that the file holds."""
    weight = torch.tensor([0.26, -0.74, 0.5, 3.0])
    fixed = torch.tensor([False, False, False, True])
    soft = SoftGrid(weight, torch.tensor(0.5), 7, fixed, torch.tensor([0.0, 0.0, 0.0, 6.0]))
    torch.testing.assert_close(soft(weight), weight, rtol=0, atol=0.01)
    assert soft.hard().tolist() == [0.5, -0.5, 0.5, 3.0]


class Again(nn.Module):
    """Calls one layer in two blocks."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.shared = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.shared(torch.relu(self.first(torch.relu(self.shared(x)))))


@pytest.mark.parametrize("rounding", ["gptq", pytest.param("brecq", marks=pytest.mark.slow)])
def test_a_layer_that_is_called_twice_is_given_one_form(rounding: str) -> None:
    """Protects shared layers: the second call finds the form of the first, in whichever block."""
    vectors = torch.randn(BATCH, 8, generator=seeded(8))
    recipe = parse_recipe("t", {"steps": [{"method": "weight_quantization", "bits": 4, "rounding": rounding}]})
    found = apply_recipe(Again().eval(), (vectors[:1],), recipe, CompressionData(((vectors,),)))
    assert found.steps[0].notes[f"layers_rounded_by_{rounding}"] == 2
    assert {form.name for form in found.hints.weights} == {"first.weight", "shared.weight"}


class Named(nn.Module):
    """Gives its layer the input by name, and uses another layer's weight without calling it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.called, self.read = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(self.called(input=x), self.read.weight)


def test_layers_are_found_however_they_are_called() -> None:
    """Protects models that name a layer's input, and says of weights that no call shows that they went to nearest."""
    step = {"method": "weight_quantization", "bits": 4, "rounding": "gptq"}
    vectors = torch.randn(BATCH, 8, generator=seeded(8))
    recipe = parse_recipe("t", {"steps": [step]})
    notes = apply_recipe(Named().eval(), (vectors[:1],), recipe, CompressionData(((vectors,),))).steps[0].notes
    assert notes == {"layers_rounded_by_gptq": 1, "layers_rounded_to_nearest": 1}


def test_every_way_that_settings_name_is_in_the_table() -> None:
    assert ("nearest", *WAYS) == get_args(Rounding)


def test_channels_of_nothing_stay_so() -> None:
    """Channels below 0.001 are zero on every grid; and inputs that are always zero divide by nothing."""
    module = network()
    with torch.no_grad():
        for place in (3, 5):
            dead: Any = module[place]  # type: ignore[index]
            dead.weight[2] = 1e-7
            dead.bias[2] = 0
    step = {"method": "weight_quantization", "bits": 4, "rounding": "gptq"}
    data = CompressionData(calibration=((images(1),),))
    found = apply_recipe(copy.deepcopy(module), (images(0)[:1],), parse_recipe("t", {"steps": [step]}), data).module
    dead = found.get_submodule("3")
    assert not dead.weight[2].any()
    assert all(torch.isfinite(value).all() for value in found.state_dict().values())
