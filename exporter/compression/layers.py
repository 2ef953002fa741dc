"""Which layers a step is for."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from exporter.data.facts.compression import LeftAlone
from exporter.data.settings.recipe import LayerRule

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (*CONVOLUTIONS, nn.Linear)


class Layer(NamedTuple):
    """A module with a `weight`, and the options that the rules give it."""

    name: str
    module: nn.Module
    options: dict[str, Any]

    @property
    def parameter(self) -> str:
        """Dotted name of its weight."""
        return f"{self.name}.weight" if self.name else "weight"


def select(
    module: nn.Module, rules: Sequence[LayerRule], kinds: tuple[type[nn.Module], ...] = WEIGHTED
) -> tuple[list[Layer], list[LeftAlone]]:
    """Layers that a step is for, in the order of the module, and those that its rules exclude.

    Args:
        module: the model.
        rules: the step's; of two that match and set the same thing, the later wins.
        kinds: module types that the step takes without a rule.
    """
    chosen, excluded = [], []
    for name, layer in weighted_layers(module):
        options = options_for(name, layer, rules)
        apply = options.pop("apply", None)
        if apply or (apply is None and isinstance(layer, kinds)):
            chosen.append(Layer(name, layer, options))
        elif apply is False:
            excluded.append(left_alone(Layer(name, layer, {}), "excluded by a rule"))
    return chosen, excluded


def weighted_layers(module: nn.Module) -> Iterable[tuple[str, nn.Module]]:
    """Convolutions and linear layers by name, each once."""
    return ((name, layer) for name, layer in module.named_modules() if isinstance(layer, WEIGHTED))


def options_for(name: str, layer: nn.Module, rules: Sequence[LayerRule]) -> dict[str, Any]:
    """What the rules set for one layer; keys that no rule sets are absent."""
    options: dict[str, Any] = {}
    for rule in rules:
        if _matches(rule, name, layer):
            set_by_rule = rule.model_dump(exclude={"name", "type"}, exclude_none=True)
            options.update(set_by_rule)
    return options


def _matches(rule: LayerRule, name: str, layer: nn.Module) -> bool:
    named = rule.name is None or re.search(rule.name, name) is not None
    # A constrained layer is of a generated subclass, so the type is looked up along the bases.
    typed = rule.type is None or any(kind.__name__ == rule.type for kind in type(layer).__mro__)
    return named and typed


def weight_of(layer: nn.Module) -> Tensor:
    """The layer's weight as it computes with it, constraints applied."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight


def left_alone(layer: Layer, reason: str) -> LeftAlone:
    """Say why `layer` stays as it is."""
    weight = weight_of(layer.module)
    return LeftAlone(name=layer.parameter, reason=reason, size_bytes=weight.numel() * weight.element_size())
