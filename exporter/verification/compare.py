"""Runs source and artifact on the same examples and sums up how they differ."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.dataset import Dataset, check_labels
from exporter.datasets.images import normalize
from exporter.errors import ToolError
from exporter.record import Parity
from exporter.sources.description import InputSpec, SourceDescription
from exporter.verification.metrics import Difference, Ranking, is_class_scores
from exporter.verification.runners import Runner

NOISE_EXAMPLES = 8
SOURCE_BATCH = 16
MOST_REFERENCE_BYTES = 512 * 2**20
"""Outputs of the source kept in memory; where all examples would take more, fewer are compared, evenly spread."""

OnAdvance = Callable[[int, int], None]


@dataclass(frozen=True)
class Reference:
    """What the source gives.

    Attributes:
        indices: of the examples in the dataset.
        outputs: one list of outputs an example, without the batch dimension.
    """

    data: Dataset
    indices: tuple[int, ...]
    outputs: tuple[tuple[NDArray[Any], ...], ...]


def noise(inputs: Sequence[InputSpec]) -> Dataset:
    """Seeded examples for when there is no data: random pixels for images, normal values otherwise."""

    def read(index: int) -> tuple[NDArray[Any], ...]:
        generator = np.random.default_rng(index)
        return tuple(_noise(spec, generator) for spec in inputs)

    return Dataset("noise", f"noise-{NOISE_EXAMPLES}", NOISE_EXAMPLES, read)


def _noise(spec: InputSpec, generator: np.random.Generator) -> NDArray[Any]:
    if spec.image is not None:
        pixels = generator.integers(0, 256, (*spec.height_width, len(spec.image.mean)), dtype=np.uint8)
        return normalize(pixels, spec)
    if spec.dtype == "float32":
        return generator.standard_normal(spec.shape[1:], dtype=np.float32)
    return np.zeros(spec.shape[1:], spec.dtype)


def reference_outputs(
    source: Runner, description: SourceDescription, data: Dataset, most: int | None, on_advance: OnAdvance
) -> Reference:
    """Run the source over `data`, in batches where its batch dimension is not fixed by the file.

    Args:
        most: at most so many examples, evenly spread; None takes all.
    """
    first = [value[0] for value in source(data.batch([0]))]
    if data.labels is not None and is_class_scores(first[0]):
        check_labels(data.labels, first[0].size, data.name)
    affordable = max(NOISE_EXAMPLES, MOST_REFERENCE_BYTES // max(1, sum(value.nbytes for value in first)))
    indices = data.spread(min(data.size, affordable, most or data.size))
    outputs: list[tuple[NDArray[Any], ...]] = []
    for chunk in _chunks(indices, SOURCE_BATCH if description.kind in ("torchvision", "factory") else 1):
        results = _run_batch(source, data, chunk)
        outputs += [tuple(value[position] for value in results) for position in range(len(chunk))]
        on_advance(len(outputs), len(indices))
    return Reference(data, tuple(indices), tuple(outputs))


def _run_batch(source: Runner, data: Dataset, chunk: Sequence[int]) -> list[NDArray[Any]]:
    """A batch at once; one by one for a model that only takes the batch size of its example."""
    batch = data.batch(chunk)
    if len(chunk) > 1:
        try:
            results = source(batch)
        except RuntimeError:
            results = []
        if results and all(len(value) == len(chunk) for value in results):
            return results
    singles = [source(data.batch([index])) for index in chunk]
    return [np.concatenate(column) for column in zip(*singles, strict=True)]


def compare(artifact: Runner, reference: Reference, on_advance: OnAdvance) -> Parity:
    """Run the artifact over the reference's examples.

    Raises:
        ToolError: the outputs have other shapes than the source's.
    """
    data = reference.data
    differences = [Difference() for _ in reference.outputs[0]]
    ranking = Ranking(data.labels) if is_class_scores(reference.outputs[0][0]) else None
    for position, (index, wanted) in enumerate(zip(reference.indices, reference.outputs, strict=True)):
        found = [value[0] for value in artifact(data.batch([index]))]
        for difference, own, other in zip(differences, wanted, found, strict=True):
            difference.add(own, match_layout(other, own))
        if ranking is not None:
            ranking.add(index, wanted[0].reshape(-1), found[0].reshape(-1))
        on_advance(position + 1, len(reference.indices))
    snr = min(difference.snr_db for difference in differences)
    return Parity(
        data=data.name,
        samples=len(reference.indices),
        evaluator=artifact.name,
        snr_db=None if math.isinf(snr) and snr > 0 else snr,
        cosine=min(difference.cosine for difference in differences),
        max_abs_error=max(difference.max_abs_error for difference in differences),
        **({} if ranking is None else _ranking_facts(ranking)),
    )


def match_layout(found: NDArray[Any], wanted: NDArray[Any]) -> NDArray[Any]:
    """An output of one example in the source's shape, channels last becoming channels first where that fits better.

    Raises:
        ToolError: it fits in neither order.
    """
    choices = [found, np.moveaxis(found, -1, 0)] if found.ndim == 3 else [found]
    fitting = [choice for choice in choices if choice.shape == wanted.shape]
    if not fitting:
        raise ToolError(f"the artifact gives an output of shape {found.shape}; the source gives {wanted.shape}")
    return min(fitting, key=lambda choice: float(np.abs(choice.astype(np.float64) - wanted).mean()))


def _ranking_facts(ranking: Ranking) -> dict[str, float | None]:
    return {
        "top1_agreement": ranking.agreed / ranking.examples,
        "top1": ranking.accuracy("artifact", 1),
        "top5": ranking.accuracy("artifact", 5),
        "source_top1": ranking.accuracy("source", 1),
        "source_top5": ranking.accuracy("source", 5),
    }


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
