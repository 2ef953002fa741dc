"""A decoder of transformers as one step: a token, its place and the caches in; scores and the caches out."""

import inspect
from typing import Any, NamedTuple

import torch
from torch import nn

from exporter.data.errors import UsageProblem, first_line
from exporter.data.settings.model import InputSettings

CARRIED = {"keys": "new_keys", "values": "new_values"}
"""Inputs of a step, and the outputs that the next step is given for them."""

COUNTER = "position"
_UNSEEN = -1e4
"""Added to the scores of places that no token has: its exponential is 0 in float32, and float16 holds it."""

_TOKENS = 4


class Shape(NamedTuple):
    """Of the caches: `layers` times `heads` channels of `length` places, each of `size` values."""

    layers: int
    heads: int
    length: int
    size: int

    @property
    def whole(self) -> tuple[int, int, int, int]:
        """Of keys, and of values: the heads of all layers, one layer after the other."""
        return (1, self.layers * self.heads, self.length, self.size)


class _Places:
    """What a model takes for its cache: keys and values are put at the token's place, all others stay."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, heads: int, here: torch.Tensor) -> None:
        self.keys = list(keys.split(heads, dim=1))
        self.values = list(values.split(heads, dim=1))
        self.here = here

    def update(
        self, key: torch.Tensor, value: torch.Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Everything that the layer looks at."""
        self.keys[layer] = torch.where(self.here, key, self.keys[layer])
        self.values[layer] = torch.where(self.here, value, self.values[layer])
        return self.keys[layer], self.values[layer]


class Decoder(nn.Module):
    """One step of a decoder with caches of a fixed length.

    Args:
        model: a causal language model of transformers, in eval mode, whose attention is ``eager``.
        shape: of its caches.
    """

    places: torch.Tensor

    def __init__(self, model: nn.Module, shape: Shape) -> None:
        super().__init__()
        self.model = model
        self.shape = shape
        takes = inspect.signature(model.forward).parameters
        self.cache_name = "cache" if "cache" in takes else "past_key_values"
        self.register_buffer("places", torch.arange(shape.length), persistent=False)

    def forward(
        self, input_ids: torch.Tensor, position: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Scores of the next token, and the caches with this one in them.

        Args:
            input_ids: int64 of shape (1, 1).
            position: int64 of shape (1,): how many tokens came before.
            keys: float32 of `Shape.whole`; places from `position` on are not read.
            values: likewise.
        """
        here = (self.places == position).reshape(1, 1, -1, 1)
        seen = (self.places <= position).reshape(1, 1, 1, -1)
        cache = _Places(keys, values, self.shape.heads, here)
        found = self.model(
            input_ids=input_ids,
            attention_mask=torch.where(seen, 0.0, _UNSEEN),
            position_ids=position.reshape(1, 1),
            use_cache=True,
            return_dict=True,
            **{self.cache_name: cache},
        )
        return {"logits": found.logits, "new_keys": torch.cat(cache.keys, 1), "new_values": torch.cat(cache.values, 1)}


def decoder_of(model: Any, length: int, spec: str) -> Decoder:
    """A step of `model` with caches of `length` places, which gives what the model itself gives for a few tokens.

    Args:
        model: of transformers, in eval mode.
        length: the most tokens of a sequence, prompt included.
        spec: the MODEL argument, for messages.

    Raises:
        UsageProblem: it is no causal language model, it has fewer positions, or its steps give something else, as those
            of models do that keep more than keys and values, or forget some (recurrent layers, sliding windows).
    """
    config = model.config.get_text_config()
    if not hasattr(model, "generate") or not model.can_generate() or config.is_encoder_decoder:
        raise UsageProblem(
            f"model {spec}: cache_length is for decoders that give the scores of the next token: name its head, "
            "as in transformers:FOLDER:ForCausalLM."
        )
    most = getattr(config, "max_position_embeddings", length)
    if length > most:
        raise UsageProblem(f"model {spec}: cache_length is {length}, and the model has {most} positions.")
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    decoder = Decoder(model, Shape(config.num_hidden_layers, heads, length, size)).eval()
    _refuse_another(decoder, min(length, _TOKENS), config.vocab_size, spec)
    return decoder


def decoder_inputs(shape: Shape) -> tuple[InputSettings, ...]:
    """What a step takes."""
    return (
        InputSettings(name="input_ids", shape=(1, 1), dtype="int64"),
        InputSettings(name="position", shape=(1,), dtype="int64"),
        *(InputSettings(name=name, shape=shape.whole) for name in CARRIED),
    )


def _refuse_another(decoder: Decoder, count: int, vocabulary: int, spec: str) -> None:
    """Compare steps with one run over all tokens."""
    tokens = torch.arange(count)[None] * 7 % vocabulary
    try:
        with torch.no_grad():
            wanted = decoder.model(input_ids=tokens, use_cache=False, return_dict=True).logits
            found = torch.cat(_steps(decoder, tokens), 1)
    except Exception as error:
        raise UsageProblem(f"model {spec} does not run step by step with a cache: {first_line(error)}") from error
    if not torch.allclose(found, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max())):
        raise UsageProblem(
            f"model {spec}: its steps with a cache of keys and values give other scores than a run over all tokens, as "
            "with recurrent layers; leave cache_length out."
        )


def _steps(decoder: Decoder, tokens: torch.Tensor) -> list[torch.Tensor]:
    keys = values = torch.zeros(decoder.shape.whole)
    scores = []
    for place in range(tokens.shape[1]):
        found = decoder(tokens[:, place : place + 1], torch.tensor([place]), keys, values)
        keys, values = found["new_keys"], found["new_values"]
        scores.append(found["logits"])
    return scores
