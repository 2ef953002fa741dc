"""What every compression method owes: the suite that each method of the table runs."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressedModel, CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.data.errors import UsageProblem
from exporter.data.facts.hints import WeightForm
from exporter.data.settings.recipe import Need

Steps = list[dict[str, Any]]


@dataclass(frozen=True)
class Subject:
    """A model, the inputs that fix its shapes, and data for it."""

    module: nn.Module
    inputs: tuple[Tensor, ...]
    data: CompressionData

    def compressed(self, steps: Steps) -> CompressedModel:
        """The model after these steps."""
        return apply_recipe(self.module, self.inputs, parse_recipe("test", {"steps": steps}), self.data)

    def batch(self, count: int) -> tuple[Tensor, ...]:
        """Noise of the inputs' shapes."""
        return tuple(torch.randn(count, *tensor.shape[1:]) for tensor in self.inputs)


class MethodContract:
    """A subclass gives four fixtures: `steps`, `subject`, `paired` (of two inputs), `result` (of steps and subject)."""

    def test_its_steps_are_data(self, steps: Steps) -> None:
        """Protects cache keys and reports: what is written down reads back as the same recipe."""
        recipe = parse_recipe("test", {"steps": steps})
        assert type(recipe).model_validate_json(recipe.model_dump_json()) == recipe
        assert [step.method for step in recipe.steps] == [step["method"] for step in steps]

    def test_it_gives_the_same_weights_again_and_leaves_the_source_model_alone(
        self, steps: Steps, subject: Subject, result: CompressedModel
    ) -> None:
        """Protects caching and resuming; and the original: the teacher, and the reference of everything after."""
        before = copy.deepcopy(subject.module)
        torch.rand(7)  # another state of the global generator
        again = subject.compressed(steps)
        assert same_weights(again.module, result.module)
        assert again.hints == result.hints
        assert same_weights(subject.module, before)
        assert not subject.module.training

    def test_it_gives_a_plain_model_of_the_same_outputs(self, subject: Subject, result: CompressedModel) -> None:
        """Protects conversion: no parametrizations, quantizers, hooks or training mode are left."""
        module, batch = result.module, subject.batch(3)
        assert module(*batch).shape == subject.module(*batch).shape
        assert torch.isfinite(module(*batch)).all()
        assert not module.training
        assert not any(hasattr(layer, "parametrizations") or layer._forward_hooks for layer in module.modules())
        assert not any("quantizer" in name for name, _ in module.named_modules())
        torch.jit.trace(module, batch, check_trace=False)

    def test_it_says_what_it_did(self, result: CompressedModel) -> None:
        """Protects the report: numbers before and after, chained from step to step, layer by layer."""
        for earlier, later in zip(result.steps, result.steps[1:], strict=False):
            assert earlier.after == later.before
        for step in result.steps:
            assert step.before.macs > 0
            assert step.after.layers
            assert all(0 <= layer.nonzeros <= layer.parameters for layer in step.after.layers)
            assert all(0 < layer.bits_per_weight <= 32 for layer in step.after.layers)
            assert all(item.reason for item in step.left_alone)

    def test_its_hints_describe_the_weights_that_are_there(self, result: CompressedModel) -> None:
        """Protects the hand-over: a table has as few values as it claims, a grid is a grid, names are real."""
        weights = dict(result.module.named_parameters())
        for form in result.hints.weights:
            check_form(form, weights[form.name].detach())

    def test_it_needs_the_data_that_it_names_and_no_more(self, steps: Steps, subject: Subject) -> None:
        """Protects the check of a recipe before hours of training: what a step misses is told, and nothing is asked."""
        recipe = parse_recipe("test", {"steps": steps})
        needs = {need for step in recipe.steps for need in step.needs()}
        data = subject.data
        enough = CompressionData(
            calibration=data.calibration if Need.CALIBRATION in needs else (),
            training=data.training if Need.TRAINING in needs else None,
            labelled=data.labelled and Need.TRAINING in needs,
        )
        assert replace(subject, data=enough).compressed(steps).steps
        if needs:
            with pytest.raises(UsageProblem, match=r"recipe test: steps\.\d+ \(\w+\) needs \w+"):
                replace(subject, data=CompressionData()).compressed(steps)

    def test_it_takes_models_of_several_inputs(self, steps: Steps, paired: Subject) -> None:
        """Protects models of more than one input, which calibrations and trainings once broke on."""
        module = paired.compressed(steps).module
        assert module(*paired.batch(2)).shape == paired.module(*paired.batch(2)).shape


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two models hold the same values under the same names."""
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


def check_form(form: WeightForm, weight: Tensor) -> None:
    """The weight has the form that the hint says."""
    if form.form == "table":
        check_table(form, weight)
    elif form.form == "linear":
        check_grid(form, weight)
    elif form.form == "float16":
        assert torch.equal(weight, weight.half().float())
    if form.sparse:
        assert (weight == 0).any()


def check_table(form: WeightForm, weight: Tensor) -> None:
    """No group has more values than its table."""
    assert form.bits is not None
    rows = weight.flatten(1)
    groups = rows.reshape(-1, rows.shape[1] * (form.group_size or rows.shape[0]))
    assert max(len(group.unique()) for group in groups) <= 2**form.bits
    assert torch.equal(weight, weight.half().float()) or form.bits == 1


def check_grid(form: WeightForm, weight: Tensor) -> None:
    """Every weight is a whole number of its block's steps."""
    top = 2 ** ((form.bits or 8) - 1) - 1
    blocks = torch.unflatten(weight, 1, (-1, form.block_size or weight.shape[1])).flatten(2)
    steps = blocks / (blocks.abs().amax(2, keepdim=True).clamp_min(1e-12) / top)
    assert torch.allclose(steps, steps.round(), atol=1e-3)
