"""What cases of tasks are made with: descriptions of models, and outputs that leave no doubt."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import ImageSpec, InputSpec, SourceDescription, SourceKind
from tests.contracts.task import Case

N = 8
"""Examples of a case."""


def described(
    outputs: dict[str, Sequence[int]], image: tuple[int, int] | None = None, labels: Sequence[str] = ()
) -> SourceDescription:
    """A model with these outputs, and an image of this height and width or a vector as its input."""
    pixels = ImageSpec(mean=(0, 0, 0), std=(1, 1, 1), color="RGB")
    given = (
        InputSpec(name="x", shape=(1, 4)) if image is None else InputSpec(name="x", shape=(1, 3, *image), image=pixels)
    )
    return SourceDescription(
        spec="tests",
        kind=SourceKind.FACTORY,
        digest="0" * 64,
        inputs=(given,),
        outputs=tuple(outputs),
        output_shapes=tuple(map(tuple, outputs.values())),
        labels=tuple(labels),
        parameters=1,
        size_bytes=4,
    )


def of_batch(outputs: dict[str, NDArray[Any]]) -> dict[str, Sequence[int]]:
    """Shapes of the outputs of one example."""
    return {name: (1, *value.shape[1:]) for name, value in outputs.items()}


def one_hot(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Logits that leave no doubt."""
    return np.asarray(50 * np.eye(classes)[labels], np.float32)


def case(
    table: dict[str, Any],
    right: dict[str, NDArray[Any]],
    wrong: Sequence[NDArray[Any]],
    labels: Iterable[Any],
    best: Mapping[str, float],
    unlike: Sequence[Sequence[int]],
    image: tuple[int, int] | None = None,
    nothing: Any = None,
    names: Sequence[str] = (),
) -> Case:
    """A case whose outputs are named."""
    description = described(of_batch(right), image, names)
    return Case(
        table,
        description,
        tuple(right.values()),
        tuple(wrong),
        tuple(labels),
        best,
        tuple(map(tuple, unlike)),
        nothing,
        tuple(names),
    )
