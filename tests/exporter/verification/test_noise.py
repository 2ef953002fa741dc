"""Examples that are made up: what each input can hold is found out from the source."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.verification.noise import NOISE_EXAMPLES, IntegerRange, integer_ranges, noise
from exporter.verification.runners import TorchRunner

Array = NDArray[Any]


class Text(nn.Module):
    """An embedding of 50 words, mean over the kept ones."""

    def __init__(self, shift: int = 0) -> None:
        super().__init__()
        self.embedding, self.shift = nn.Embedding(50, 4), shift

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        found = self.embedding(ids + self.shift if self.shift else ids)
        return found.mean(1) if mask is None else (found * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class Packed(nn.Module):
    """Lengths from 1 to the number of steps."""

    def forward(self, sequence: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return nn.utils.rnn.pack_padded_sequence(sequence, lengths, batch_first=True).data.sum()[None]


class Arithmetic(nn.Module):
    def forward(self, count: torch.Tensor) -> torch.Tensor:
        return count * 0.5


def tokens(name: str, shape: tuple[int, ...] = (1, 6), dtype: str = "int64") -> InputSpec:
    return InputSpec(name=name, shape=shape, dtype=dtype)


def ranges(module: nn.Module, *inputs: InputSpec, hooks: bool = True) -> dict[str, IntegerRange]:
    return integer_ranges(TorchRunner(module.eval()), module if hooks else None, inputs)


@pytest.mark.parametrize("hooks", [True, False])
def test_a_vocabulary_is_the_embeddings(hooks: bool) -> None:
    """By the embedding's own size, and without modules (.pt2, ONNX) by what the source takes."""
    assert ranges(Text(), tokens("ids"), hooks=hooks) == {"ids": IntegerRange(low=0, high=49, known=True)}


def test_an_embedding_that_reads_something_derived() -> None:
    assert ranges(Text(shift=3), tokens("ids"))["ids"].high == 46


def test_a_mask_has_both_values_and_keeps_something() -> None:
    inputs = (tokens("ids"), tokens("attention_mask"))
    found = ranges(Text(), *inputs)
    masks = [noise(inputs, found).read(index)[1] for index in range(NOISE_EXAMPLES)]
    assert {value for mask in masks for value in mask.reshape(-1).tolist()} == {0, 1}
    assert all(mask[0, 0] == 1 for mask in masks)
    assert all(np.isfinite(TorchRunner(Text())(noise(inputs, found).read(index))[0]).all() for index in range(8))


def test_lengths_are_legal() -> None:
    inputs = (InputSpec(name="sequence", shape=(1, 7, 3)), tokens("lengths", (1,)))
    assert ranges(Packed(), *inputs)["lengths"] == IntegerRange(low=1, high=7, known=True)


def test_a_guess_is_called_one() -> None:
    found = ranges(Arithmetic(), tokens("count"))
    assert not found["count"].known
    assert "count: 0 to 9 as a guess, give --evaluation" in noise((tokens("count"),), found).name


def test_examples_differ_and_are_the_same_again() -> None:
    inputs = (tokens("ids"), InputSpec(name="x", shape=(4, 3)), InputSpec(name="pcm", shape=(20,)))
    found = {"ids": IntegerRange(low=0, high=49, known=True)}
    first = [noise(inputs, found).read(index) for index in range(NOISE_EXAMPLES)]
    again = [noise(inputs, found).read(index) for index in range(NOISE_EXAMPLES)]
    assert len({example[0].tobytes() for example in first}) == NOISE_EXAMPLES
    assert all(_same(one, other) for one, other in zip(first, again, strict=True))
    assert [value.shape for value in first[0]] == [(1, 6), (4, 3), (20,)]
    assert {value.dtype.name for value in first[0]} == {"int64", "float32"}


def _same(one: Sequence[Array], other: Sequence[Array]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_images_of_a_batch(layout: str) -> None:
    shape = (2, 3, 4, 5) if layout == "NCHW" else (2, 4, 5, 3)
    image = ImageSpec(mean=(0.5,) * 3, std=(0.5,) * 3, color="RGB")
    spec = InputSpec(name="image", shape=shape, layout=layout, image=image)
    (values,) = noise((spec,), {}).read(0)
    assert values.shape == shape
    assert -1 <= values.min() < values.max() <= 1


def test_pixels_of_an_integer_image_are_pixels() -> None:
    """Nothing is tried out: an image of uint8 holds 0 to 255."""
    image = ImageSpec(mean=(0.0,) * 3, std=(1.0,) * 3, color="RGB")
    spec = InputSpec(name="image", shape=(1, 3, 4, 5), dtype="uint8", image=image)
    assert ranges(Arithmetic(), spec) == {}
    (values,) = noise((spec,), {}).read(0)
    assert values.shape == (1, 3, 4, 5)
    assert values.dtype == np.uint8
    assert values.max() > 128
