"""Ids of tokens to text."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import load
from exporter.tasks.speech.settings import Speech


@dataclass(frozen=True)
class Vocabulary:
    """What ids mean.

    Attributes:
        file: that says it.
        size: ids there are.
    """

    file: Path
    size: int
    text: Callable[[Sequence[int]], str]


def vocabulary(settings: Speech) -> Vocabulary:
    """The vocabulary that the settings name.

    Raises:
        UsageProblem: there is none, or two, or the file cannot be read.
    """
    if (settings.vocabulary is None) == (settings.tokenizer is None):
        raise UsageProblem(
            "[model.task] speech needs the tokens that ids stand for: give one of vocabulary (a text file with one "
            "token a line, or JSON) and tokenizer (tokenizer.json)."
        )
    if settings.tokenizer is not None:
        return _of_tokenizer(settings.tokenizer)
    assert settings.vocabulary is not None
    return _of_file(settings, settings.vocabulary)


def collapsed(ids: NDArray[np.int64], blank: int) -> NDArray[np.int64]:
    """Without repetitions, then without blanks (Graves et al., "Connectionist Temporal Classification", 2006)."""
    fresh = np.append(True, ids[1:] != ids[:-1])[: len(ids)]
    return np.asarray(ids[fresh & (ids != blank)], np.int64)


def _of_tokenizer(file: Path) -> Vocabulary:
    tokenizers = load("tokenizers")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no other
        raise UsageProblem(f"[model.task] tokenizer {file} cannot be read: {error}.") from error
    return Vocabulary(file, tokenizer.get_vocab_size(), lambda ids: str(tokenizer.decode(list(ids))))


def _of_file(settings: Speech, file: Path) -> Vocabulary:
    tokens = _tokens(file)
    words = [" " if token == settings.space else "" if token in settings.left_out else token for token in tokens]
    return Vocabulary(file, len(words), lambda ids: "".join(words[place] for place in ids))


def _tokens(file: Path) -> list[str]:
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"[model.task] vocabulary {file} cannot be read: {error}.") from error
    if file.suffix != ".json":
        return content.removesuffix("\n").split("\n") if content else []
    try:
        ids = json.loads(content)
    except ValueError as error:
        raise UsageProblem(f"[model.task] vocabulary {file} is no JSON: {error}.") from error
    if not isinstance(ids, dict) or sorted(map(str, ids.values())) != sorted(map(str, range(len(ids)))):
        raise UsageProblem(f"[model.task] vocabulary {file} is no object of tokens and their ids, from 0 without gaps.")
    return sorted(ids, key=lambda token: int(ids[token]))
