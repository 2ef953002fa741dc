"""Structured pruning: channels are really removed, with everything that depends on them (torch-pruning).

A removal is accepted only when the smaller model computes exactly what the larger one does with those channels at zero;
groups for which that fails (a layer that pads channels, an activation that makes something of zero) are left alone.
"""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch_pruning
from torch import Tensor, nn

from exporter.compression.ends import output_layers
from exporter.compression.layers import WEIGHTED, Layer, left_alone, select
from exporter.compression.methods.distillation import labels_loss, recover
from exporter.compression.methods.magnitude import agp
from exporter.compression.model import Context, Examples, Outcome, evaluating, first_tensor
from exporter.compression.stats import macs
from exporter.data.compression import LeftAlone
from exporter.data.errors import ToolError, UsageProblem, first_line
from exporter.data.recipe import ChannelPruning, Recovery

BISECTIONS = 8
TOLERANCE = 1e-3


class Removal(NamedTuple):
    """Channels of one layer that go, in the numbering of the model before."""

    layer: str
    channels: tuple[int, ...]


class Plan(NamedTuple):
    """A pruned copy, and what was removed from it."""

    module: nn.Module
    removals: list[Removal]


class UnsoundRemovalError(Exception):
    """The pruned model does not run or does not compute what the masked one does."""


FAULTS = (UnsoundRemovalError, RuntimeError, IndexError, KeyError, ValueError, AssertionError)
"""What torch-pruning and a pruned model raise when dependencies were followed wrongly."""


def prune_channels(module: nn.Module, step: ChannelPruning, context: Context) -> Outcome:
    """Remove channels, in one shot or in rounds with recovery between them."""
    chosen, excluded = select(module, step.rules)
    fixed = set(output_layers(module, context.example_inputs))
    skipped = list(excluded)
    skipped += [left_alone(layer, "its channels are the model's output") for layer in chosen if layer.name in fixed]
    ratios = {layer.name: layer.options["ratio"] for layer in chosen if "ratio" in layer.options}
    ignored = fixed | {item.name.removesuffix(".weight") for item in excluded}
    found: dict[str, Any] = {}
    before = _cost(module, step, context)
    for round_number in range(1, step.iterations + 1):
        share = (agp((round_number - 1) / step.iterations), agp(round_number / step.iterations))
        pruner = _Pruner(module, step, context, ignored, ratios)
        module = pruner.to_amount(share, before).module
        ignored = pruner.ignored
        skipped += pruner.unsound
        if step.training is not None:
            outcome = recover(module, Recovery(training=step.training), context)
            found[f"recovery_{round_number}"] = outcome.notes
    return Outcome(module, tuple(skipped), found)


def narrower(module: nn.Module, width: float, context: Context) -> nn.Module:
    """The same architecture with about `width` of its channels, newly initialised."""
    step = ChannelPruning(ratio=1 - width, criterion="random")
    pruned = prune_channels(module, step, context).module
    torch.manual_seed(context.seed)
    for layer in pruned.modules():
        reset = getattr(layer, "reset_parameters", None)
        if callable(reset):
            reset()
    return pruned


class _RoundingPruner(torch_pruning.pruner.BasePruner):  # type: ignore[misc]
    """Leaves at least one multiple of ``round_to``; torch-pruning rounds to zero and then leaves the layer whole."""

    def _round_to(self, n_pruned: int, current_channels: int, round_to: int) -> int:
        kept = current_channels - n_pruned
        return max(current_channels - max(round_to, kept - kept % round_to), 0)


class _Pruner:
    """Prunes copies of one model; remembers which groups turned out unsound."""

    def __init__(
        self, module: nn.Module, step: ChannelPruning, context: Context, ignored: set[str], ratios: dict[str, float]
    ) -> None:
        self.module, self.step, self.context, self.ratios = module, step, context, ratios
        self.ignored = set(ignored)
        self.unsound: list[LeftAlone] = []
        self.gradients = _gradients(module, context) if step.criterion == "taylor" else {}

    def to_amount(self, share: tuple[float, float], before: float) -> Plan:
        """Prune to the step's ratio or to its share of MACs or parameters; `share` is that of this AGP round."""
        if self.step.ratio is not None:
            removed, wanted = (self.step.ratio * part for part in share)
            return self.to_ratio(1 - (1 - wanted) / (1 - removed))
        keep = self.step.macs or self.step.parameters
        assert keep is not None
        target = before * (1 - (1 - keep) * share[1])
        low, high = 0.0, self.step.max_ratio
        best = self.to_ratio(high)
        least = _cost(best.module, self.step, self.context)
        if least > target:
            raise UsageProblem(
                f"channel_pruning: even with {high:.0%} of the channels that can go, {least / before:.0%} is left, "
                f"not {keep:.0%}. Raise macs or parameters, or max_ratio."
            )
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            plan = self.to_ratio(middle)
            if _cost(plan.module, self.step, self.context) <= target:
                best, high = plan, middle
            else:
                low = middle
        return best

    def to_ratio(self, ratio: float) -> Plan:
        """Prune a copy by `ratio`, leaving unsound groups alone."""
        try:
            return self._verified(ratio)
        except FAULTS:
            self._find_unsound()
        try:
            return self._verified(ratio)
        except FAULTS as error:
            raise ToolError(
                f"channel_pruning: the dependencies of this model's channels cannot be followed ({error}). Exclude "
                "layers with rules (apply = false), beginning with those around reshapes and channel padding."
            ) from error

    def _verified(self, ratio: float) -> Plan:
        plan = self._plan(ratio)
        check(self.module, plan, self.context.example_inputs)
        return plan

    def _plan(self, ratio: float) -> Plan:
        twin = self._twin()
        names = {layer: name for name, layer in twin.named_modules()}
        torch.manual_seed(self.context.seed)
        pruner = _RoundingPruner(
            twin, self.context.example_inputs, _importance(self.step.criterion),
            global_pruning=self.step.scope == "global", pruning_ratio=ratio, max_pruning_ratio=self.step.max_ratio,
            pruning_ratio_dict={twin.get_submodule(name): value for name, value in self.ratios.items()},
            ignored_layers=[twin.get_submodule(name) for name in self.ignored],
            round_to=self.step.round_to if self.step.round_to > 1 else None,
        )  # fmt: skip
        removals = []
        for group in pruner.step(interactive=True):
            removals += list(_removals(pruner.DG, group, names))
            group.prune()
        return Plan(twin, removals)

    def _twin(self) -> nn.Module:
        twin = copy.deepcopy(self.module)
        for name, parameter in twin.named_parameters():
            parameter.requires_grad_(True)
            parameter.grad = self.gradients.get(name)
        return twin

    def _find_unsound(self) -> None:
        """Try every layer's group alone; what fails is ignored from here on."""
        for name, layer in self.module.named_modules():
            if isinstance(layer, WEIGHTED) and name not in self.ignored:
                reason = self._fault(name)
                if reason:
                    self.ignored.add(name)
                    self.unsound.append(left_alone(Layer(name, layer, {}), reason))

    def _fault(self, name: str) -> str | None:
        twin = self._twin()
        names = {layer: layer_name for layer_name, layer in twin.named_modules()}
        layer = twin.get_submodule(name)
        try:
            graph = torch_pruning.DependencyGraph().build_dependency(twin, self.context.example_inputs)
            if layer not in graph.module2node:  # the projections of nn.MultiheadAttention, for example
                return "it is not called as a layer: what holds it computes with its weight"
            prune = graph.get_pruner_of_module(layer).prune_out_channels
            # The ends: a group that pairs layers of unlike widths fails at one of them.
            group = graph.get_pruning_group(layer, prune, idxs=[0, graph.get_out_channels(layer) - 1])
            removals = list(_removals(graph, group, names))
            group.prune()
            check(self.module, Plan(twin, removals), self.context.example_inputs)
        except FAULTS as error:
            return f"its channels cannot be removed alone: {first_line(error)[:120]}"
        return None


def check(module: nn.Module, plan: Plan, example_inputs: Examples) -> None:
    """Compare the pruned copy with `module` whose removed channels are zero.

    Raises:
        UnsoundRemovalError: the outputs differ in shape or value.
    """
    masked = copy.deepcopy(module)
    with torch.no_grad():
        for removal in plan.removals:
            for parameter in masked.get_submodule(removal.layer).parameters(recurse=False):
                parameter[list(removal.channels)] = 0
    generator = torch.Generator().manual_seed(0)
    probe = tuple(
        torch.randn(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor
        for tensor in example_inputs
    )
    wanted, got = evaluating(masked, probe), evaluating(plan.module, probe)
    if wanted.shape != got.shape:
        raise UnsoundRemovalError(f"the output's shape becomes {tuple(got.shape)}")
    if not torch.allclose(wanted, got, atol=TOLERANCE * float(wanted.abs().max() + 1e-6), rtol=TOLERANCE):
        raise UnsoundRemovalError("the smaller model computes something else than the masked one")


def _removals(graph: Any, group: Any, names: dict[nn.Module, str]) -> Iterator[Removal]:
    for dependency, indices in group:
        layer = dependency.target.module
        if graph.is_out_channel_pruning_fn(dependency.handler) and layer in names:
            yield Removal(names[layer], tuple(indices))


def _importance(criterion: str) -> Any:
    importance = torch_pruning.importance
    made = {
        "l1": lambda: importance.GroupMagnitudeImportance(p=1),
        "l2": lambda: importance.GroupMagnitudeImportance(p=2),
        "fpgm": lambda: importance.FPGMImportance(),
        "taylor": lambda: importance.GroupTaylorImportance(),
        "bn_scale": lambda: importance.BNScaleImportance(),
        "random": lambda: importance.RandomImportance(),
    }
    return made[criterion]()


def _gradients(module: nn.Module, context: Context) -> dict[str, Tensor]:
    """Gradients of the loss (with labels) or of the outputs' mean square (without) over the calibration data."""
    twin = copy.deepcopy(module).eval().requires_grad_(True)
    if context.data.labelled and context.data.training is not None:
        loader = torch.utils.data.DataLoader(context.data.training, 32)
        labels = labels_loss(context)
        losses = (labels(twin, tuple(batch)) for batch, _ in zip(loader, range(8), strict=False))
    elif context.data.calibration:
        losses = (first_tensor(twin(batch)).square().mean() for batch in context.data.calibration)
    else:
        raise UsageProblem("channel_pruning by criterion 'taylor' needs calibration data: give --data.")
    for loss in losses:
        loss.backward()
    return {name: parameter.grad for name, parameter in twin.named_parameters() if parameter.grad is not None}


def _cost(module: nn.Module, step: ChannelPruning, context: Context) -> float:
    if step.parameters is not None:
        return sum(parameter.numel() for parameter in module.parameters())
    return macs(module, context.example_inputs)
