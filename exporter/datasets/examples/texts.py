"""Examples that are texts, which a tokenizer makes inputs of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.dataset import Dataset, hash_text
from exporter.datasets.files.tokens import Encoded, TokenizerFile
from exporter.datasets.kind import Wanted, common_batch, shapes_of
from exporter.datasets.truths import TruthKind
from exporter.store.given import given_digest

NOT_COUNTED = -100
"""Of tokens: a position that does not count (torch's ``ignore_index``)."""

_COLUMNS: Mapping[TruthKind, str] = {"class": "label", "text": "target", "tokens": "tokens"}


@dataclass(frozen=True)
class Texts:
    """Records with a column ``text``, and maybe ``pair`` (a second text), ``label``, ``target`` or ``tokens``.

    Attributes:
        row: the record of an example.
        where: it stands, for messages.
    """

    name: str
    digest: str
    size: int
    columns: tuple[str, ...]
    row: Callable[[int], Mapping[str, Any]]
    where: Callable[[int], str]


@dataclass(frozen=True)
class _Encoder:
    texts: Texts
    tokenizer: TokenizerFile
    length: int
    inputs: tuple[InputSpec, ...]

    def encoded(self, index: int) -> Encoded:
        row = self.texts.row(index)
        text, pair = row.get("text"), row.get("pair")
        if not isinstance(text, str) or not isinstance(pair, str | None):
            raise UsageProblem(f"data {self.texts.where(index)}: text is {text!r}, pair {pair!r}; both are strings.")
        return self.tokenizer.encode(text, pair)

    def read(self, index: int) -> tuple[NDArray[Any], ...]:
        found = self.encoded(index)
        return tuple(_part(found, spec).reshape(spec.shape[1:]).astype(spec.dtype) for spec in self.inputs)

    def tokens(self, index: int) -> NDArray[np.int64]:
        """The record's own; else those of the text, by which a language model is measured."""
        row = self.texts.row(index)
        given = row.get("tokens")
        if given is None:
            found = self.encoded(index)
            return np.where(found.mask == 1, found.ids, NOT_COUNTED)
        values = given.split() if isinstance(given, str) else given
        try:
            tokens = np.asarray([int(value) for value in values], np.int64)[: self.length]
        except (TypeError, ValueError) as error:
            raise UsageProblem(f"data {self.texts.where(index)}: tokens are not whole numbers: {error}.") from error
        return np.pad(tokens, (0, self.length - len(tokens)), constant_values=NOT_COUNTED)

    def target(self, index: int) -> str:
        found = self.texts.row(index).get("target")
        if not isinstance(found, str):
            raise UsageProblem(f"data {self.texts.where(index)}: target is {found!r}, not a string.")
        return found


def text_data(texts: Texts, wanted: Wanted, labels: tuple[int, ...] | None, names: tuple[str, ...]) -> Dataset:
    """Examples of ids, masks and types, by the inputs' names; cut and filled up to the inputs' length.

    Args:
        labels: of a column of classes; None where there is none.
        names: of the classes.

    Raises:
        UsageProblem: no tokenizer is set, or the inputs are no sequences.
    """
    path = wanted.settings.tokenizer
    if path is None:
        raise UsageProblem(f'data {texts.name} holds text; set tokenizer = "tokenizer.json" in [model].')
    length = _length(texts.name, wanted)
    tokenizer = TokenizerFile(path, length)
    encoder = _Encoder(texts, tokenizer, length, wanted.inputs)
    truths: Mapping[str, Callable[[int], Any]] = {"text": encoder.target, "tokens": encoder.tokens}
    kind = _kind(texts, wanted)
    said = [texts.digest, given_digest(path), str(kind), *(spec.model_dump_json() for spec in wanted.inputs)]
    return Dataset(
        texts.name,
        hash_text("\0".join(said)),
        texts.size,
        encoder.read,
        labels if kind == "class" else None,
        batch_size=common_batch(texts.name, wanted),
        truth_kind=None if kind == "class" else kind,
        truths=truths.get(str(kind)),
        class_names=names if kind == "class" else (),
        greatest={spec.name: tokenizer.size - 1 for spec in wanted.inputs if _part_name(spec) == "ids"},
    )


def _kind(texts: Texts, wanted: Wanted) -> TruthKind | None:
    """What is true: as the task is measured where there is such a column, else the first that there is."""
    held = [kind for kind, column in _COLUMNS.items() if column in texts.columns]
    if not held:
        return "tokens" if _is_next(wanted) else None
    return wanted.chosen(*held)


def _is_next(wanted: Wanted) -> bool:
    """Whether the model is to say the text itself, token by token."""
    return getattr(wanted.settings.task, "scores", "") == "next"


def _length(name: str, wanted: Wanted) -> int:
    lengths = {spec.shape[-1] if len(spec.shape) == 2 else 0 for spec in wanted.inputs}
    if len(lengths) != 1 or 0 in lengths:
        raise UsageProblem(
            f"data {name} holds text; the model's inputs are {shapes_of(wanted)}, not ids of shape [batch, length]."
        )
    return lengths.pop()


def _part_name(spec: InputSpec) -> str:
    """Which part of a text an input takes, by its name."""
    name = spec.name.lower()
    words = {"mask": "mask", "type": "types", "segment": "types", "position": "positions"}
    return next((part for word, part in words.items() if word in name), "ids")


def _part(found: Encoded, spec: InputSpec) -> NDArray[np.int64]:
    name = _part_name(spec)
    if name == "positions":
        return np.arange(len(found.ids))
    return {"ids": found.ids, "mask": found.mask, "types": found.types}[name]
