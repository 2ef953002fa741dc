"""A model of transformers as a function of its inputs by position, which gives what a phone needs of its outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

_INSIDE = frozenset(
    (
        "attentions",
        "auxiliary_outputs",
        "cross_attentions",
        "decoder_attentions",
        "decoder_hidden_states",
        "encoder_attentions",
        "encoder_hidden_states",
        "encoder_last_hidden_state",
        "hidden_states",
        "loss",
        "past_key_values",
        "text_model_output",
        "vision_model_output",
    )
)
"""Fields of outputs that training, debugging or the next step of a generation needs."""

_TRUNK = frozenset(("last_hidden_state", "pooler_output", "extract_features"))
"""What heads are put on: an output of models that have none."""


class Wrapper(nn.Module):
    """Calls `model` with `names` for its inputs.

    Args:
        model: of transformers, in eval mode.
        names: arguments of its ``forward``.
        left_out: fields of its output that mean nothing.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], left_out: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)
        self.left_out = left_out

    def forward(self, *inputs: Any) -> dict[str, Any]:
        """Fields of the output by their names."""
        found = self.model(**dict(zip(self.names, inputs, strict=True)), return_dict=True)
        return _wanted(found, self.left_out)


def _wanted(found: Mapping[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    told = {name: value for name, value in found.items() if value is not None and name not in _INSIDE | left_out}
    ends = {name: value for name, value in told.items() if name not in _TRUNK}
    return ends or told
