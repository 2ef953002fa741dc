"""Runs source and artifact on the same examples and sums up how they differ.

Whole outputs are compared, at the shapes that the model was declared with: no axis is taken for a batch. Where examples
run together to save time, the source itself has shown along which axis their results lie.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.parity import OutputParity, Parity
from exporter.data.facts.source import SourceDescription
from exporter.data.progress import Advance
from exporter.data.settings.task import TaskSettings
from exporter.datasets.dataset import Dataset, check_labels
from exporter.execution.threads import in_order, threads
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.tasks.task import Reader
from exporter.verification.batching import rows_axis, split_results, stacking_axes
from exporter.verification.channels import quantization_step, variation_db, worst_channel
from exporter.verification.metrics import Difference, Ranking, is_class_scores, score_rows
from exporter.verification.noise import NOISE_EXAMPLES
from exporter.verification.orders import OutputOrders
from exporter.verification.runners import Runner
from exporter.verification.scoring import Scoring, scoring

SOURCE_BATCH = 16
MOST_REFERENCE_BYTES = 512 * 2**20
"""Outputs of the source kept in memory; where all examples would take more, fewer are compared, evenly spread."""

Outputs = tuple[NDArray[Any], ...]
Indices = tuple[int, ...]


@dataclass(frozen=True)
class Reference:
    """What the source gives.

    Attributes:
        names: of the outputs.
        runs: indices of the examples that each run of the model takes.
        outputs: of each run, as the source gives them; None of runs that only the task looks at.
        scores_place: of the output that may be class scores.
        scores_axis: of that output, counts the examples of a run; None where a run is of one example.
        classes: number of class scores of an example; None where the output is not one of class scores.
        channels_last: whether the source has the channels of images, and so of outputs of four dimensions, last.
        scoring: the source's results at its task; None where the user names none.
    """

    data: Dataset
    names: tuple[str, ...]
    runs: tuple[Indices, ...]
    outputs: tuple[Outputs | None, ...]
    scores_place: int
    scores_axis: int | None
    classes: int | None
    channels_last: bool = False
    scoring: Scoring | None = None

    @property
    def examples(self) -> int:
        """Different examples whose outputs are compared."""
        pairs = zip(self.runs, self.outputs, strict=True)
        return len({index for run, outputs in pairs if outputs is not None for index in run})

    @property
    def first(self) -> Outputs:
        """The outputs of the first run, which are always kept."""
        assert self.outputs[0] is not None
        return self.outputs[0]


def reference_outputs(
    source: Runner,
    description: SourceDescription,
    data: Dataset,
    most: int | None,
    on_advance: Advance,
    task: TaskSettings | None = None,
) -> Reference:
    """Run the source over `data`, several runs at a time where it shows that it can.

    Args:
        most: at most so many examples, evenly spread; None takes all.
        task: what the outputs mean; None looks at them as numbers.

    Raises:
        UsageProblem: labels that the model has no classes for, or of another task.
    """
    scored = scoring(task, description, data)
    runs = data.runs(min(data.size, most or data.size))
    first = source(data.batch(runs[0]))
    ranked = "" if task is None else task.ranked
    place = description.outputs.index(ranked) if ranked else 0
    axis, classes = (None, None) if ranked is None else _scores(source, data, runs, first[place], place)
    if data.labels is not None and classes is not None:
        check_labels(data.labels, classes, data.name)
    compared = _affordable(runs, sum(value.nbytes for value in first))
    if scored is None or not scored.labelled:
        runs = compared
    kept: list[Indices] = []
    outputs: list[Outputs | None] = []
    for run, values in _results(source, data, runs, on_advance):
        kept.append(run)
        outputs.append(tuple(values) if run in compared else None)
        if scored is not None:
            scored.source.take(run, values)
    last = any(spec.image is not None and spec.layout == "NHWC" for spec in description.inputs)
    return Reference(data, description.outputs, tuple(kept), tuple(outputs), place, axis, classes, last, scored)


def _affordable(runs: list[Indices], run_bytes: int) -> list[Indices]:
    """The runs whose outputs can be kept, evenly spread."""
    count = min(len(runs), max(NOISE_EXAMPLES, MOST_REFERENCE_BYTES // max(1, run_bytes)))
    return [runs[place * len(runs) // count] for place in range(count)]


def _scores(
    source: Runner, data: Dataset, runs: Sequence[Indices], first: NDArray[Any], place: int
) -> tuple[int | None, int | None]:
    """The axis of the output at `place` that counts examples, and the number of class scores of each.

    Args:
        first: this output of the first run.
    """
    size = len(runs[0])
    if size == 1:
        return None, (first.size if is_class_scores(first) else None)
    axis = rows_axis(source, data.batch(runs[0]), data.batch(runs[-1]), place) if len(runs) > 1 else None
    if axis is None:
        return None, None
    row = np.moveaxis(first, axis, 0)[0]
    return axis, (row.size if is_class_scores(row) else None)


def _results(
    source: Runner, data: Dataset, runs: Sequence[Indices], on_advance: Advance
) -> Iterator[tuple[Indices, Sequence[NDArray[Any]]]]:
    """Outputs of each run; examples without labels that are the same as an earlier one are left out."""
    together = _together(source, data, runs)
    labelled = data.labels is not None or data.truths is not None
    seen: set[bytes] = set()
    done = 0
    chunks = list(_chunks(runs, SOURCE_BATCH if together is not None else 1))
    decoded = in_order(lambda chunk: {run: data.batch(run) for run in chunk}, chunks)
    for chunk, inputs in zip(chunks, decoded, strict=True):
        fresh = [run for run in inputs if labelled or _is_new(inputs[run], seen)]
        if len(fresh) > 1 and together is not None:
            batch = [np.concatenate(column) for column in zip(*(inputs[run] for run in fresh), strict=True)]
            yield from zip(fresh, split_results(source(batch), together, len(fresh)), strict=True)
        else:
            yield from ((run, source(inputs[run])) for run in fresh)
        done += len(chunk)
        on_advance(done, len(runs))


def _together(source: Runner, data: Dataset, runs: Sequence[Indices]) -> tuple[int | None, ...] | None:
    """The axes along which results lie when examples run together; None when they have to run one by one."""
    if data.batch_size != 1 or len(runs) < 3:
        return None
    first, second = data.batch(runs[0]), data.batch(runs[-1])
    if any(value.ndim == 0 or len(value) != 1 for value in first) or _same(first, second):
        return None
    return stacking_axes(source, first, second)


def _same(first: Sequence[NDArray[Any]], second: Sequence[NDArray[Any]]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def _is_new(inputs: Sequence[NDArray[Any]], seen: set[bytes]) -> bool:
    digest = hashlib.sha256(b"\0".join(np.ascontiguousarray(value).tobytes() for value in inputs)).digest()
    new = digest not in seen
    seen.add(digest)
    return new


def compare(artifact: ArtifactRunner, reference: Reference, on_advance: Advance, read: Reader | None = None) -> Parity:
    """Run the artifact over the reference's examples, and compare every value of every output.

    Args:
        read: reads the artifact's outputs for the task; None where they are as the source's.

    Raises:
        ToolError: the outputs have other shapes than the source's.
    """
    data = reference.data
    first = reference.first
    orders = [OutputOrders(reference.channels_last) for _ in first]
    ranking = None if reference.classes is None else Ranking(data.labels)
    scores = None if reference.scoring is None else reference.scoring.artifact(read)
    counted: set[int] = set()
    results = zip(reference.runs, reference.outputs, results_of(artifact, data, reference.runs), strict=True)
    for position, (run, wanted, found) in enumerate(results):
        if len(found) != len(first):
            raise ToolError(f"the artifact gives {len(found)} outputs; the source gives {len(first)}.")
        if wanted is not None:
            for order, own, other in zip(orders, wanted, found, strict=True):
                order.add(own, np.asarray(other))
            if ranking is not None:
                place = reference.scores_place
                _rank(ranking, reference, run, wanted[place], np.asarray(found[place]), counted)
        if scores is not None:
            triples = zip(orders, found, first, strict=True)
            scores.take(run, [order.arranged(np.asarray(value), own.shape) for order, value, own in triples])
        on_advance(position + 1, len(reference.runs))
    outputs = [
        _output(name, order.best(), own.shape) for name, order, own in zip(reference.names, orders, first, strict=True)
    ]
    differences = [order.best() for order in orders]
    return Parity(
        data=data.name,
        samples=reference.examples,
        evaluator=artifact.name,
        snr_db=_exact_is_none(_least(difference.snr_db for difference in differences)),
        cosine=_least(difference.cosine for difference in differences),
        max_abs_error=-_least(-difference.max_abs_error for difference in differences),
        outputs=tuple(outputs),
        drawn=data.drawn,
        task=None if reference.scoring is None or scores is None else reference.scoring.facts(scores),
        **({} if ranking is None else _ranking_facts(ranking)),
    )


def results_of(artifact: ArtifactRunner, data: Dataset, runs: Sequence[Indices]) -> Iterator[list[NDArray[Any]]]:
    """The artifact's outputs of each run, on every core; examples are read beside it."""
    size = min(artifact.together, math.ceil(len(runs) / threads()))
    for outputs in in_order(lambda chunk: artifact.many([data.batch(run) for run in chunk]), _chunks(runs, size)):
        yield from outputs


def _rank(
    ranking: Ranking, reference: Reference, run: Indices, wanted: NDArray[Any], found: NDArray[Any], counted: set[int]
) -> None:
    """Count each example once, also where a run was filled up with examples of others."""
    axis = reference.scores_axis
    pairs = zip(run, score_rows(wanted, len(run), axis), score_rows(found, len(run), axis), strict=True)
    for index, own, other in pairs:
        if index not in counted:
            counted.add(index)
            ranking.add(index, own, other)


def _least(values: Iterator[float]) -> float:
    """The least of some numbers; NaN when one of them is."""
    return float(np.min(np.fromiter(values, np.float64)))


def _exact_is_none(snr_db: float) -> float | None:
    return None if math.isinf(snr_db) and snr_db > 0 else snr_db


def _or_exact(db: float | None) -> float:
    return math.inf if db is None else db


def _output(name: str, difference: Difference, shape: tuple[int, ...]) -> OutputParity:
    return OutputParity(
        name=name,
        shape=shape,
        values=difference.total,
        snr_db=_exact_is_none(difference.snr_db),
        max_abs_error=difference.max_abs_error,
        not_finite=difference.artifact.values,
        not_finite_example=difference.artifact.example,
        source_not_finite=difference.source.values,
        source_not_finite_example=difference.source.example,
        worst=worst_channel(difference),
        step=None if difference.sample is None else quantization_step(difference.sample),
        variation_db=_exact_is_none(_or_exact(variation_db(difference))),
    )


def _ranking_facts(ranking: Ranking) -> dict[str, Any]:
    labelled = ranking.labels is not None
    return {
        "top1_agreement": ranking.agreed / ranking.examples,
        "top1": ranking.accuracy("artifact", 1),
        "top5": ranking.accuracy("artifact", 5),
        "source_top1": ranking.accuracy("source", 1),
        "source_top5": ranking.accuracy("source", 5),
        "top1_lost": ranking.lost[1] if labelled else None,
        "top1_gained": ranking.gained[1] if labelled else None,
        "top5_lost": ranking.lost[5] if labelled else None,
        "top5_gained": ranking.gained[5] if labelled else None,
        "classes": ranking.classes,
    }


def _chunks(items: Sequence[Indices], size: int) -> Iterator[Sequence[Indices]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
