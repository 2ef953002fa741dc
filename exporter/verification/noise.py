"""Examples for when there is no data: seeded values that each input can hold."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.base import Frozen
from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.dataset import Dataset
from exporter.datasets.images import normalize
from exporter.execution.heavy import load_torch

NOISE_EXAMPLES = 8
LARGEST_INTEGER = 2**20
"""Integers up to here are tried; a vocabulary is smaller."""

GUESS = 9
"""The largest integer drawn where the source takes any."""

Run = Callable[[Sequence[NDArray[Any]]], Any]


class IntegerRange(Frozen):
    """Which integers an input is given, both ends included.

    Attributes:
        known: whether the source sets the limits; otherwise they are a guess.
    """

    low: int
    high: int
    known: bool

    def __str__(self) -> str:
        """In words, for the name of the data."""
        span = f"{self.low} and {self.high}" if self.high == self.low + 1 else f"{self.low} to {self.high}"
        return span if self.known else f"{span} as a guess, give --evaluation"


def holds_integers(spec: InputSpec) -> bool:
    """Whether an input takes integers whose range is the source's to say; pixels have theirs."""
    return spec.image is None and spec.dtype != "float32"


def integer_ranges(run: Run, module: Any, inputs: Sequence[InputSpec]) -> dict[str, IntegerRange]:
    """What each integer input can hold: the vocabulary of the embedding that reads it, else what the source takes.

    Args:
        run: the source; it fails on integers that it cannot take.
        module: its torch module, or None.
        inputs: of the source.
    """
    base = [_constant(spec, 0) for spec in inputs]
    if not _runs(run, base):
        base = [_constant(spec, int(holds_integers(spec))) for spec in inputs]
    vocabularies = _vocabularies(module, base) if module is not None else {}
    ranges: dict[str, IntegerRange] = {}
    for position, spec in enumerate(inputs):
        if not holds_integers(spec):
            continue
        if spec.is_mask:
            ranges[spec.name] = IntegerRange(low=0, high=1, known=True)
        elif position in vocabularies:
            ranges[spec.name] = IntegerRange(low=0, high=vocabularies[position] - 1, known=True)
        else:
            ranges[spec.name] = _tried_range(run, base, position, inputs)
    return ranges


def check_ids(data: Dataset, ranges: Mapping[str, IntegerRange]) -> None:
    """Refuse a tokenizer of a larger vocabulary than the source's.

    Raises:
        UsageProblem: it gives ids that the source does not take.
    """
    for name, greatest in data.greatest.items():
        limits = ranges.get(name)
        if limits is not None and limits.known and greatest > limits.high:
            raise UsageProblem(
                f"data {data.name}: the tokenizer gives ids up to {greatest}, and input {name} takes them up to "
                f"{limits.high}; it is of another vocabulary. Give the model's own tokenizer.json."
            )


def noise(inputs: Sequence[InputSpec], ranges: Mapping[str, IntegerRange]) -> Dataset:
    """Seeded examples of whole inputs: random pixels, normal values, integers in range, masks with both values."""

    def read(index: int) -> tuple[NDArray[Any], ...]:
        generator = np.random.default_rng(index)
        return tuple(_drawn(spec, generator, ranges) for spec in inputs)

    drawn = [f"{name}: {item}" for name, item in ranges.items()]
    drawn += [f"{spec.name}: 0 and 1" for spec in inputs if spec.dtype == "float32" and spec.is_mask]
    name = f"noise ({'; '.join(drawn)})" if drawn else "noise"
    digest = f"noise-2-{NOISE_EXAMPLES}-{name}"
    return Dataset(name, digest, NOISE_EXAMPLES, read, stacked=False, pixels=True, drawn=True)


def _drawn(spec: InputSpec, generator: np.random.Generator, ranges: Mapping[str, IntegerRange]) -> NDArray[Any]:
    if spec.image is not None:
        pixels = generator.integers(0, 256, (spec.shape[0], *spec.height_width, len(spec.image.mean)), dtype=np.uint8)
        return np.stack([normalize(item, spec) for item in pixels])
    if spec.is_mask:
        return _mask(spec, generator)
    if spec.dtype == "float32":
        return generator.standard_normal(spec.shape, dtype=np.float32)
    limits = ranges[spec.name]
    return generator.integers(limits.low, limits.high + 1, spec.shape).astype(spec.dtype)


def _mask(spec: InputSpec, generator: np.random.Generator) -> NDArray[Any]:
    """Ones, then zeros: as sequences are padded; the first position is always kept, and some example is not full."""
    length = spec.shape[-1]
    kept = generator.integers(1, length + 1, (*spec.shape[:-1], 1))
    return (np.arange(length) < kept).astype(spec.dtype)


def _constant(spec: InputSpec, value: int) -> NDArray[Any]:
    return np.full(spec.shape, value, spec.dtype)


def _runs(run: Run, arrays: Sequence[NDArray[Any]]) -> bool:
    """Whether the source takes these inputs; whatever it raises is its way to refuse them."""
    try:
        run(arrays)
    except Exception:  # noqa: BLE001 - each library has refusals of its own
        return False
    return True


def _vocabularies(module: Any, base: Sequence[NDArray[Any]]) -> dict[int, int]:
    """Position of an input -> rows of the smallest embedding that reads it as it is."""
    torch = load_torch()
    tensors = [torch.from_numpy(value.copy()) for value in base]
    places = {tensor.data_ptr(): position for position, tensor in enumerate(tensors)}
    found: dict[int, int] = {}

    def note(layer: Any, inputs: tuple[Any, ...]) -> None:
        place = places.get(inputs[0].data_ptr()) if inputs and isinstance(inputs[0], torch.Tensor) else None
        if place is not None:
            found[place] = min(found.get(place, layer.num_embeddings), layer.num_embeddings)

    kinds = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    hooks = [item.register_forward_pre_hook(note) for item in module.modules() if isinstance(item, kinds)]
    try:
        with torch.inference_mode():
            module(*tensors)
    except Exception:  # noqa: BLE001 - what the source cannot take is found out by trying
        return {}
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _tried_range(run: Run, base: Sequence[NDArray[Any]], position: int, inputs: Sequence[InputSpec]) -> IntegerRange:
    """From the least integer that the source takes to the largest one, found by bisection."""

    def takes(value: int) -> bool:
        arrays = list(base)
        arrays[position] = _constant(inputs[position], value)
        return _runs(run, arrays)

    low = 0 if takes(0) else 1
    longest = _longest(position, inputs)
    if longest is not None:
        return IntegerRange(low=low, high=max(low, longest), known=True)
    reach = max(1, low)
    while reach < LARGEST_INTEGER and takes(2 * reach):
        reach *= 2
    if reach >= LARGEST_INTEGER:
        return IntegerRange(low=low, high=_guess(position, inputs), known=False)
    good, bad = (reach if takes(reach) else low), 2 * reach
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if takes(middle) else (good, middle)
    return IntegerRange(low=low, high=good, known=True)


def _longest(position: int, inputs: Sequence[InputSpec]) -> int | None:
    """The longest axis beside an input of lengths; torch itself takes lengths beyond it without a word."""
    if "len" not in inputs[position].name.lower():
        return None
    sizes = [size for index, spec in enumerate(inputs) if index != position for size in spec.shape[1:2]]
    return max(sizes, default=None)


def _guess(position: int, inputs: Sequence[InputSpec]) -> int:
    """An input beside another of its shape may be a mask."""
    others = [spec for index, spec in enumerate(inputs) if index != position]
    return 1 if any(spec.shape == inputs[position].shape for spec in others) else GUESS
