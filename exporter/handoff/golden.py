"""Golden cases: examples, the tensors that the artifact takes for them, and what its own runtime makes of these."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.handoff import GoldenCase, HandoffTensor
from exporter.data.facts.source import InputSpec
from exporter.datasets.dataset import Dataset
from exporter.datasets.images import normalize
from exporter.formats.handoff import OwnRuntime
from exporter.handoff.interface import spec_of
from exporter.handoff.pictures import DRAWN, drawn_picture, fitted, picture_of, save_picture

FOLDER = "golden"
_DRAWN_TENSORS = 3
Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class Example:
    """One example before the artifact has seen it.

    Attributes:
        image: of PIL, for an input that is a picture; None otherwise.
        tensors: as data gives them, for all others.
    """

    name: str
    about: str
    image: Any = None
    tensors: tuple[NDArray[Any], ...] = ()


@dataclass(frozen=True)
class Golden:
    """A case and its outputs.

    Attributes:
        outputs: as the artifact gave them.
    """

    case: GoldenCase
    outputs: Arrays


def examples_of(inputs: Sequence[HandoffTensor], data: Dataset | None, count: int) -> Iterator[Example]:
    """Up to `count` examples of the data, and made up ones: of pictures always, of all else where there is no data.

    Args:
        data: opened for `spec_of` each input; None for none.
    """
    specs = [spec_of(each) for each in inputs]
    pictured = len(specs) == 1 and specs[0].image is not None
    for place, index in enumerate([] if data is None else data.spread(count)):
        assert data is not None
        name, about = f"{place:02}", f"example {index + 1} of {Path(data.name).name}{_label(data, index)}"
        if pictured:
            yield Example(name, about, picture_of(data, index, specs[0]))
        else:
            yield Example(name, about, tensors=data.batch([index]))
    if pictured:
        yield from (Example(f"drawn-{place}", "made up", drawn_picture(place, specs[0])) for place in range(len(DRAWN)))
    elif data is None:
        yield from (
            Example(f"drawn-{place}", "made up", tensors=_drawn(specs, place)) for place in range(_DRAWN_TENSORS)
        )


def _label(data: Dataset, index: int) -> str:
    if data.labels is None:
        return ""
    label = data.labels[index]
    return f", labelled {data.class_names[label] if data.class_names else label}"


def _drawn(specs: Sequence[InputSpec], seed: int) -> tuple[NDArray[Any], ...]:
    """Floats of a normal distribution; integers 0 and 1, which every vocabulary has, and masks of ones."""
    random = np.random.default_rng(seed)
    return tuple(_values(spec, random) for spec in specs)


def _values(spec: InputSpec, random: np.random.Generator) -> NDArray[Any]:
    if spec.is_mask:
        return np.ones(spec.shape, spec.dtype)
    if spec.dtype.startswith("float"):
        return random.standard_normal(spec.shape).astype(spec.dtype)
    return random.integers(0, 2, spec.shape).astype(spec.dtype)


def make_golden(example: Example, inputs: Sequence[HandoffTensor], runtime: OwnRuntime, folder: Path) -> Golden:
    """Write one case under `folder`, the hand-off's, and give it with its outputs.

    Raises:
        ToolError: the artifact does not run.
    """
    place = folder / FOLDER / example.name
    place.mkdir(parents=True)
    given = _given(example, inputs, place)
    outputs = runtime(given)
    names = [
        _file(kind, number) for kind, arrays in (("input", given), ("output", outputs)) for number in range(len(arrays))
    ]
    for name, array in zip(names, [*given, *outputs], strict=True):
        np.save(place / name, np.ascontiguousarray(array))
    inside = [f"{FOLDER}/{example.name}/{name}" for name in names]
    pictured = {} if example.image is None else {key: f"{FOLDER}/{example.name}/{file}" for key, file in _PICTURES}
    case = GoldenCase(
        name=example.name,
        about=example.about,
        inputs=tuple(inside[: len(given)]),
        outputs=tuple(inside[len(given) :]),
        **pictured,
    )
    return Golden(case, outputs)


_PICTURES = (("picture", "picture.png"), ("pixels", "pixels.npy"))


def _file(kind: str, number: int) -> str:
    return f"{kind}-{number}.npy"


def _given(example: Example, inputs: Sequence[HandoffTensor], place: Path) -> Arrays:
    if example.image is None:
        return [stored(value, each) for value, each in zip(example.tensors, inputs, strict=True)]
    save_picture(example.image, place)
    spec, picture = spec_of(inputs[0]), inputs[0].picture
    assert picture is not None
    assert picture.resize is not None
    return [stored(normalize(fitted(example.image, spec, picture.resize), spec)[None], inputs[0])]


def stored(value: NDArray[Any], tensor: HandoffTensor) -> NDArray[Any]:
    """Real numbers as the artifact takes them: integers where they stand for these."""
    if not tensor.scale:
        return np.ascontiguousarray(value, tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    rounded = np.rint(value / np.float32(tensor.scale)) + tensor.zero_point
    return np.asarray(np.clip(rounded, limits.min, limits.max), tensor.dtype)


def real(value: NDArray[Any], tensor: HandoffTensor) -> NDArray[np.float64]:
    """The real numbers that an output stands for."""
    wide = np.asarray(value, np.float64)
    return (wide - tensor.zero_point) * tensor.scale if tensor.scale else wide
