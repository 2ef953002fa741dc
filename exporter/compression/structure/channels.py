"""Structured pruning: channels are really removed, with everything that depends on them (torch-pruning).

A removal is accepted only when the smaller model computes exactly what the larger one does with those channels at zero;
groups for which that fails (a layer that pads channels, an activation that makes something of zero) are left alone.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
import torch_pruning
from torch import nn

from exporter.compression.ends import output_layers
from exporter.compression.layers import WEIGHTED, Layer, left_alone
from exporter.compression.model import Context, Examples, evaluating
from exporter.compression.structure.importance import gradients, importance
from exporter.data.errors import ToolError, UsageProblem, first_line
from exporter.data.facts.compression import LeftAlone

BISECTIONS = 8
TOLERANCE = 1e-3

Cost = Callable[[nn.Module], float]


class Ranking(NamedTuple):
    """Which channels go first.

    Attributes:
        criterion: what makes a channel important: ``l1``, ``l2``, ``fpgm``, ``taylor``, ``bn_scale``, ``random``.
        scope: ``local`` removes the same share everywhere, ``global`` ranks the channels of all layers together.
        round_to: channel counts stay multiples of this.
        max_ratio: most of a layer's channels that a global ranking may take.
    """

    criterion: str
    scope: str = "local"
    round_to: int = 1
    max_ratio: float = 0.9


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


def narrower(module: nn.Module, width: float, context: Context) -> nn.Module:
    """The same architecture with about `width` of its channels, newly initialised."""
    fixed = output_layers(module, context.example_inputs)
    pruned = ChannelPruner(module, Ranking("random"), context, fixed).to_ratio(1 - width)
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


class ChannelPruner:
    """Prunes copies of one model; remembers which groups turned out unsound.

    Args:
        module: the model; it is not touched.
        ranking: which channels go first.
        context: gives inputs, seed, and data for the ``taylor`` criterion.
        ignored: names of layers that keep their channels.
        ratios: layer -> its own share of removed channels.

    Attributes:
        ignored: layers that keep their channels, those of unsound groups included.
        unsound: the latter with their reasons.
    """

    def __init__(
        self,
        module: nn.Module,
        ranking: Ranking,
        context: Context,
        ignored: Iterable[str],
        ratios: Mapping[str, float] | None = None,
    ) -> None:
        self.module, self.ranking, self.context, self.ratios = module, ranking, context, ratios or {}
        self.ignored = set(ignored)
        self.unsound: list[LeftAlone] = []
        self.gradients = gradients(module, context) if ranking.criterion == "taylor" else {}

    def to_ratio(self, ratio: float) -> nn.Module:
        """A copy without a `ratio` of its channels; unsound groups are left alone."""
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

    def to_cost(self, cost: Cost, most: float) -> nn.Module:
        """The copy with the most channels whose cost is at most `most`.

        Raises:
            UsageProblem: even the smallest copy costs more.
        """
        low, high = 0.0, self.ranking.max_ratio
        best = self.to_ratio(high)
        least = cost(best)
        if least > most:
            before = cost(self.module)
            raise UsageProblem(
                f"channel_pruning: even with {high:.0%} of the channels that can go, {least / before:.0%} is left, "
                f"not {most / before:.0%}. Raise macs or parameters, or max_ratio."
            )
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            pruned = self.to_ratio(middle)
            if cost(pruned) <= most:
                best, high = pruned, middle
            else:
                low = middle
        return best

    def _verified(self, ratio: float) -> nn.Module:
        plan = self._plan(ratio)
        check(self.module, plan, self.context.example_inputs)
        return plan.module

    def _plan(self, ratio: float) -> Plan:
        twin = self._twin()
        names = {layer: name for name, layer in twin.named_modules()}
        torch.manual_seed(self.context.seed)
        pruner = _RoundingPruner(
            twin,
            self.context.example_inputs,
            importance(self.ranking.criterion),
            global_pruning=self.ranking.scope == "global",
            pruning_ratio=ratio,
            max_pruning_ratio=self.ranking.max_ratio,
            pruning_ratio_dict={twin.get_submodule(name): value for name, value in self.ratios.items()},
            ignored_layers=[twin.get_submodule(name) for name in self.ignored],
            round_to=self.ranking.round_to if self.ranking.round_to > 1 else None,
        )
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
