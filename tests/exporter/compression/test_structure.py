"""Structure is really removed, exactly, and what cannot be removed is said."""

import copy
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from exporter.compression.apply import apply_recipe
from exporter.compression.ends import first_layer, output_layers
from exporter.compression.forms.constraints import Grid
from exporter.compression.forms.folding import fold_batch_norms
from exporter.compression.forms.tables import cluster
from exporter.compression.model import CompressionData
from exporter.compression.pruning.gradual import agp
from exporter.compression.pruning.masks import lowest_to_zero
from exporter.compression.pruning.patterns import block_mask, nm_mask
from exporter.compression.recipe import parse_recipe
from exporter.compression.stats import macs
from exporter.compression.structure.channels import Plan, Removal, UnsoundRemovalError, check
from tests.conftest import RunCommand
from tests.exporter.compression.networks import SIZE, Attending, Padded, Small, learnable, seeded

Example = tuple[torch.Tensor]
NETWORK = """
import torch
def make():
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(), torch.nn.Conv2d(16, 8, 3), torch.nn.AdaptiveAvgPool2d(1)
    return torch.nn.Sequential(*layers, torch.nn.Flatten()).eval()
"""


@pytest.mark.parametrize("criterion", ["l1", "l2", "fpgm", "taylor", "bn_scale", "random"])
@pytest.mark.parametrize("scope", ["local", "global"])
def test_channel_pruning_reaches_its_share_of_macs(
    criterion: str, scope: str, trained: nn.Module, example: Example, data: CompressionData
) -> None:
    """Protects the target: at most half the multiply-accumulates, counted, for every criterion."""
    step = {"method": "channel_pruning", "macs": 0.5, "criterion": criterion, "scope": scope}
    result = apply_recipe(trained, example, parse_recipe("test", {"steps": [step]}), data)
    assert macs(result.module, example) <= 0.5 * macs(trained, example)
    assert macs(result.module, example) > 0.3 * macs(trained, example)


def test_rounded_channel_counts_reach_the_target_and_leave_every_layer_some(
    trained: nn.Module, example: Example, data: CompressionData
) -> None:
    """Protects round_to: torch-pruning alone rounds a narrow layer to no channels and then leaves it whole."""
    step = {"method": "channel_pruning", "macs": 0.5, "round_to": 8}
    result = apply_recipe(trained, example, parse_recipe("test", {"steps": [step]}), data)
    assert macs(result.module, example) <= 0.5 * macs(trained, example)
    widths = {layer.out_channels for layer in result.module.modules() if isinstance(layer, nn.Conv2d)}
    assert all(width % 8 == 0 for width in widths)


def test_channels_that_pass_a_padded_shortcut_are_left_alone_with_the_reason(data: CompressionData) -> None:
    """Protects CIFAR ResNets: a dependency graph that gets the padding wrong must not corrupt the model."""
    step = {"method": "channel_pruning", "ratio": 0.25}
    example = (torch.zeros(1, 3, SIZE, SIZE),)
    result = apply_recipe(seeded(Padded), example, parse_recipe("test", {"steps": [step]}), data)
    assert result.module.get_submodule("conv1").out_channels == 24
    assert result.module.get_submodule("conv2").out_channels == 32
    assert {"stem.weight", "conv2.weight"} <= {item.name for item in result.steps[0].left_alone}


def test_attention_is_left_alone_with_the_reason_and_the_rest_is_pruned(data: CompressionData) -> None:
    """Protects models with nn.MultiheadAttention, whose projections are no layers that a dependency graph knows."""
    step = {"method": "channel_pruning", "ratio": 0.5}
    example = (torch.zeros(1, 3, SIZE, SIZE),)
    result = apply_recipe(seeded(Attending), example, parse_recipe("test", {"steps": [step]}), data)
    assert result.module.get_submodule("stem").out_channels == 8
    assert result.module.get_submodule("patches").out_channels == 8
    reasons = {item.name: item.reason for item in result.steps[0].left_alone}
    assert "is not called as a layer" in reasons["attention.out_proj.weight"]
    assert "patches.weight" in reasons


def test_a_removal_that_changes_the_function_is_refused(example: Example) -> None:
    """Protects the check itself: it must be able to fail."""
    network = seeded(Small)
    other = copy.deepcopy(network)
    check(network, Plan(other, []), example)
    with pytest.raises(UnsoundRemovalError):
        check(network, Plan(other, [Removal("left", (0, 1))]), example)


def test_ends_of_a_network(example: Example) -> None:
    """Protects the interface of the model, and what binarization keeps."""
    assert output_layers(seeded(Small), example) == ["linear"]
    assert first_layer(seeded(Small), example) == "stem"


def test_folding_changes_nothing_that_the_model_computes() -> None:
    """Protects every method that folds first."""
    network = seeded(Small)
    images = learnable(8)[0]
    with torch.no_grad():
        before = network(images)
        assert len(fold_batch_norms(network)) == 5
        assert torch.allclose(network(images), before, atol=1e-4)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


@given(st.integers(1, 400), st.floats(0.01, 0.99), st.integers(0, 5))
def test_exactly_the_smallest_go(count: int, sparsity: float, seed: int) -> None:
    """Protects the ratio: exact counts, ties included."""
    scores = torch.randint(0, 9, (count,), generator=torch.Generator().manual_seed(seed)).float()
    mask = lowest_to_zero(scores, sparsity)
    assert int((mask == 0).sum()) == round(sparsity * count)
    if 0 < int(mask.sum()) < count:
        assert scores[mask == 0].max() <= scores[mask == 1].min()


def test_patterns_hold_everywhere() -> None:
    """Protects formats that rely on the pattern."""
    weight = torch.randn(8, 16, 3, 3)
    groups = nm_mask(weight, 2, 4).movedim(1, -1).unflatten(-1, (-1, 4))
    assert (groups.sum(-1) == 2).all()
    mask = block_mask(weight, 0.5, (2, 4)).flatten(1)
    blocks = mask.unflatten(0, (-1, 2)).unflatten(2, (-1, 4)).sum((1, 3))
    assert set(blocks.unique().tolist()) == {0.0, 8.0}
    assert float(mask.mean()) == 0.5


def test_the_agp_curve_starts_at_nothing_and_ends_at_all() -> None:
    """Protects gradual pruning (Zhu & Gupta 2017)."""
    curve = [agp(step / 10) for step in range(11)]
    assert curve[0] == 0
    assert curve[-1] == 1
    assert curve == sorted(curve)
    assert curve[5] == pytest.approx(0.875)


@given(st.integers(2, 8), st.integers(0, 3))
def test_a_grid_is_idempotent_and_keeps_the_largest_weight(bits: int, seed: int) -> None:
    """Protects bit equality: a converter that computes the same scale again finds the same integers."""
    weight = torch.randn(4, 12, generator=torch.Generator().manual_seed(seed))
    once = Grid(bits, None)(weight)
    assert torch.allclose(Grid(bits, None)(once), once, atol=1e-6)
    assert torch.allclose(once.abs().amax(1), weight.abs().amax(1))
    assert max(len(row.unique()) for row in once) <= 2**bits - 1


def test_clusters_of_few_values_are_those_values() -> None:
    """Protects weights that already have few values from a second rounding."""
    values = torch.tensor([0.5, -1.0, 2.0]).repeat(50)
    assert torch.equal(cluster(values, 4, 0), torch.tensor([-1.0, 0.5, 2.0]))
    assert len(cluster(torch.randn(5000), 16, 0)) == 16


@pytest.mark.slow
def test_compress_command_writes_a_model_that_keeps_its_hints(
    tmp_path: Path, installed: RunCommand, mobile_export: RunCommand
) -> None:
    """Protects the command a user types: a .pt2 that loads, with forms and ranges, and the steps as data."""
    import numpy as np

    from exporter.data.settings.model import ModelSettings
    from exporter.sources.load import load_source

    np.savez(tmp_path / "images.npz", image=np.random.default_rng(0).standard_normal((8, 3, 32, 32), np.float32))
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "r.toml").write_text('steps = [{ method = "static_quantization" }]\n')
    asked = ("compress", "net.py:make", "--input-shape", "1,3,32,32", "--recipe", "r.toml")
    done = installed(*asked, "--calibration", "images.npz", "-o", "small.pt2", "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["steps"][0]["method"] == "static_quantization"
    source = load_source(str(tmp_path / "small.pt2"), ModelSettings())
    assert len(source.hints.activations) == len(document["hints"]["activations"]) > 2
    assert {form.bits for form in source.hints.weights} == {8}
    refused = mobile_export(*asked)
    assert refused.returncode == 2
    assert "--output" in refused.stderr
