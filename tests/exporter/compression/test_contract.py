"""One suite over every compression method: what a recipe's step owes, whichever it is."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from exporter.compression import CompressedModel, CompressionData, apply_recipe
from exporter.compression.apply import METHODS
from exporter.data.recipe import STEP_TYPES, parse_recipe
from tests.exporter.compression.methods import CASES

Example = tuple[torch.Tensor]


def compress(
    module: nn.Module, example: Example, data: CompressionData, steps: list[dict[str, Any]]
) -> CompressedModel:
    return apply_recipe(module, example, parse_recipe("test", {"steps": steps}), data)


def test_every_method_has_an_implementation_and_a_case() -> None:
    """Protects the suite from a method that nobody tests."""
    known = {str(kind.model_fields["method"].default) for kind in STEP_TYPES}
    assert set(METHODS) == known
    assert known == {step["method"] for steps in CASES.values() for step in steps}


@pytest.fixture(scope="module")
def results() -> dict[str, CompressedModel]:
    return {}


@pytest.fixture(params=CASES)
def compressed(
    request: pytest.FixtureRequest, results: dict[str, CompressedModel], trained: nn.Module, example: Example,
    data: CompressionData,
) -> CompressedModel:  # fmt: skip
    """The result of each case, made once."""
    if request.param not in results:
        results[request.param] = compress(trained, example, data, CASES[request.param])
    return results[request.param]


def test_the_source_model_is_untouched(trained: nn.Module, example: Example, data: CompressionData) -> None:
    """Protects the caller: the original is the teacher and the reference of everything after."""
    before = copy.deepcopy(trained.state_dict())
    for name in ("joint", "channel_pruning", "quantization_aware_training"):
        compress(trained, example, data, CASES[name])
    assert not trained.training
    assert trained.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())


@pytest.mark.parametrize("name", CASES)
def test_the_same_seed_gives_the_same_weights(
    name: str, results: dict[str, CompressedModel], trained: nn.Module, example: Example, data: CompressionData
) -> None:
    """Protects caching, resuming and every comparison."""
    first = results.get(name) or compress(trained, example, data, CASES[name])
    torch.rand(7)  # another state of the global generator
    second = compress(trained, example, data, CASES[name])
    one, other = first.module.state_dict(), second.module.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[key]) for key, value in one.items())
    assert first.hints == second.hints


def test_the_result_is_plain_and_keeps_the_output_shape(
    compressed: CompressedModel, trained: nn.Module, example: Example
) -> None:
    """Protects conversion: no parametrizations, quantizers, hooks or training mode are left."""
    module = compressed.module
    batch = torch.randn(3, *example[0].shape[1:])
    assert module(batch).shape == trained(batch).shape
    assert torch.isfinite(module(batch)).all()
    assert not module.training
    assert not any(hasattr(layer, "parametrizations") or layer._forward_hooks for layer in module.modules())
    assert not any("quantizer" in name for name, _ in module.named_modules())
    torch.jit.trace(module, (batch,), check_trace=False)


def test_every_step_says_what_it_did(compressed: CompressedModel) -> None:
    """Protects the report: numbers before and after, chained from step to step, layer by layer."""
    for earlier, later in zip(compressed.steps, compressed.steps[1:], strict=False):
        assert earlier.after == later.before
    for step in compressed.steps:
        assert step.before.macs > 0
        assert step.after.layers
        assert all(0 <= layer.nonzeros <= layer.parameters for layer in step.after.layers)
        assert all(0 < layer.bits_per_weight <= 32 for layer in step.after.layers)
        assert all(item.reason for item in step.left_alone)


def test_hints_describe_the_weights_that_are_there(compressed: CompressedModel) -> None:
    """Protects the hand-over: a table has as few values as it claims, a grid is a grid, names are real."""
    weights = dict(compressed.module.named_parameters())
    for form in compressed.hints.weights:
        weight = weights[form.name].detach()
        rows = weight.flatten(1)
        if form.form == "table":
            assert form.bits is not None
            groups = rows.reshape(-1, rows.shape[1] * (form.group_size or rows.shape[0]))
            assert max(len(group.unique()) for group in groups) <= 2**form.bits
            assert torch.equal(weight, weight.half().float()) or form.bits == 1
        elif form.form == "linear":
            top = 2 ** ((form.bits or 8) - 1) - 1
            blocks = torch.unflatten(weight, 1, (-1, form.block_size or weight.shape[1])).flatten(2)
            steps = blocks / (blocks.abs().amax(2, keepdim=True).clamp_min(1e-12) / top)
            assert torch.allclose(steps, steps.round(), atol=1e-3)
        elif form.form == "float16":
            assert torch.equal(weight, weight.half().float())
        if form.sparse:
            assert (weight == 0).any()


NOTHING: dict[str, list[dict[str, Any]]] = {
    "no layer matches": [{"method": "magnitude_pruning", "sparsity": 0.5, "rules": [{"name": ".", "apply": False}]}],
    "all too small": [{"method": "weight_sharing", "min_elements": 10**9}],
    "shared already": [{"method": "weight_sharing"}, {"method": "weight_sharing", "bits": 2}],
    "rank too high": [{"method": "low_rank", "rank": 10_000}],
}


@pytest.mark.parametrize("steps", NOTHING.values(), ids=NOTHING)
def test_a_step_that_changes_nothing_is_an_error(
    steps: list[dict[str, Any]], trained: nn.Module, example: Example, data: CompressionData
) -> None:
    """Protects from success that is none; the message says what was left alone and why."""
    from exporter.compression import UnchangedError

    with pytest.raises(UnchangedError, match=f"steps.{len(steps) - 1} .*changed nothing"):
        compress(trained, example, data, steps)


def test_dynamic_quantization_says_when_there_is_nothing_to_quantize(example: Example, data: CompressionData) -> None:
    """Protects the published result for networks without linear layers: it is said, not hidden."""
    convolutions = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 14), nn.Flatten()).eval()
    with pytest.raises(Exception, match="dynamic quantization is for linear layers"):
        compress(convolutions, example, data, [{"method": "dynamic_quantization"}])
