"""Text to ids, through a ``tokenizer.json`` of the library tokenizers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import load

_PADS = ("[PAD]", "<pad>", "<|pad|>", "<|endoftext|>", "</s>")
"""Tokens that fill up a sequence, in the order in which they are looked for where the file does not say."""


@dataclass(frozen=True)
class Encoded:
    """A text as a model takes it, each int64 (length,).

    Attributes:
        ids: of tokens.
        mask: ones where a token is of the text.
        types: which of two texts.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    types: NDArray[np.int64]


class TokenizerFile:
    """A tokenizer that cuts and fills up to one length.

    Args:
        length: tokens of a sequence.

    Attributes:
        size: of its vocabulary, added tokens included: every id is below.

    Raises:
        UsageProblem: the file is no tokenizer.
    """

    def __init__(self, path: Path, length: int) -> None:
        if not path.is_file():
            raise UsageProblem(f"[model] tokenizer {path}: there is no such file.")
        try:
            self._tokenizer = load("tokenizers").Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise UsageProblem(f"[model] tokenizer {path} is no tokenizer.json: {error}.") from error
        self._tokenizer.enable_truncation(max_length=length)
        self._tokenizer.enable_padding(length=length, **_padding(self._tokenizer))
        self.size = 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def encode(self, text: str, pair: str | None = None) -> Encoded:
        """A text, or two."""
        found = self._tokenizer.encode(text, pair)
        return Encoded(*(_row(values) for values in (found.ids, found.attention_mask, found.type_ids)))


def _row(values: Sequence[int]) -> NDArray[np.int64]:
    return np.asarray(values, np.int64)


def _padding(tokenizer: Any) -> dict[str, Any]:
    """What the file says of padding, else the usual token, else id 0."""
    if tokenizer.padding:
        return {name: tokenizer.padding[name] for name in ("direction", "pad_id", "pad_type_id", "pad_token")}
    token = next((token for token in _PADS if tokenizer.token_to_id(token) is not None), None)
    return {} if token is None else {"pad_id": tokenizer.token_to_id(token), "pad_token": token}
