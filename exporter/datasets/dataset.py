"""Dataset: examples by index, found without decoding them, so that a digest needs no image library."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.truths import Fit, TruthKind


@dataclass(frozen=True)
class Dataset:
    """A list of examples.

    Attributes:
        name: what the user gave.
        digest: SHA-256 of the examples' bytes, their order and labels.
        labels: class index an example; None when there are no labels.
        read: gives example `index` as the model's inputs take it, one array an input: without the batch dimension where
            examples are `stacked`, else the whole input.
        paths: file an example, for messages; empty for arrays.
        batch_size: examples that one run of the model takes, as its inputs were declared.
        stacked: whether inputs are made by stacking examples along a new first axis.
        pixels: whether image inputs were made of whole pixels.
        drawn: whether the examples were made up and not given.
        notes: what was done to the examples, in sentences.
        truth_kind: of what `truths` gives; None where it gives nothing, also where there are `labels` alone.
        truths: what is true of example `index`, in the form of its kind (`exporter.datasets.truths`).
        fit: how the file of example `index` became the input; None where the input is the file.
        class_names: that truths count; empty where they are not known.
        greatest: input of ids -> the greatest that its tokenizer gives.
    """

    name: str
    digest: str
    size: int
    read: Callable[[int], tuple[NDArray[Any], ...]] = field(repr=False)
    labels: tuple[int, ...] | None = None
    paths: tuple[Path, ...] = ()
    batch_size: int = 1
    stacked: bool = True
    pixels: bool = False
    drawn: bool = False
    notes: tuple[str, ...] = ()
    truth_kind: TruthKind | None = None
    truths: Callable[[int], Any] | None = field(default=None, repr=False)
    fit: Callable[[int], Fit] | None = field(default=None, repr=False)
    class_names: tuple[str, ...] = ()
    greatest: Mapping[str, int] = field(default_factory=dict)

    def without_truths(self) -> "Dataset":
        """The same examples, of which nothing is known."""
        return replace(self, labels=None, truth_kind=None, truths=None)

    def batch(self, indices: Sequence[int]) -> tuple[NDArray[Any], ...]:
        """Examples stacked along a new first axis, one array an input; or the one example that fills the inputs.

        Raises:
            UsageProblem: several examples were asked for that each fill the inputs.
        """
        if not self.stacked:
            if len(indices) != 1:
                raise UsageProblem(f"data {self.name}: each example is a whole input, so they cannot be batched.")
            return self.read(indices[0])
        examples = [self.read(index) for index in indices]
        return tuple(np.stack(column) for column in zip(*examples, strict=True))

    def runs(self, count: int | None = None) -> list[tuple[int, ...]]:
        """Indices of the examples of each run of the model over at most `count` examples, evenly spread.

        Where the model takes several at once and they do not come out even, the last run is filled with the first.
        """
        indices = self.spread(self.size if count is None else count)
        size = self.batch_size if self.stacked else 1
        missing = -len(indices) % size
        indices += [indices[place % len(indices)] for place in range(missing)]
        return [tuple(indices[start : start + size]) for start in range(0, len(indices), size)]

    def spread(self, count: int) -> list[int]:
        """At most `count` indices, evenly spread over the examples, so that sorted classes are all seen."""
        count = min(count, self.size)
        return [index * self.size // count for index in range(count)]


def digest_files(paths: Sequence[Path], root: Path, labels: Sequence[int] | None, inputs: Sequence[InputSpec]) -> str:
    """SHA-256 over names, contents, labels, and how the inputs are prepared."""
    digest = hashlib.sha256("\0".join(spec.model_dump_json() for spec in inputs).encode())
    for index, path in enumerate(paths):
        try:
            content = hashlib.sha256(path.read_bytes()).digest()
        except OSError as error:
            raise UsageProblem(f"image {path}: {error.strerror}.") from error
        name = str(path.relative_to(root) if path.is_relative_to(root) else path)
        digest.update(f"{name}\0{labels[index] if labels else ''}\0".encode() + content)
    return digest.hexdigest()


def hash_text(text: str) -> str:
    """SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_labels(labels: Sequence[int], classes: int, name: str) -> None:
    """Refuse labels outside the model's outputs.

    Args:
        labels: class indices.
        classes: size of the model's last output dimension.
        name: of the dataset, for the message.
    """
    bad = [(index, label) for index, label in enumerate(labels) if not 0 <= label < classes]
    if bad:
        index, label = bad[0]
        raise UsageProblem(
            f"{name}: example {index + 1} has label {label}, but the model has {classes} classes (0 to {classes - 1}). "
            f"{len(bad)} of {len(labels)} labels are out of range."
        )
