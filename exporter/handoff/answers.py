"""What outputs mean, where that is classes; and how far a phone's may be from the golden ones."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.handoff import GoldenCase, HandoffTensor
from exporter.data.facts.inspection import Inspection
from exporter.handoff.golden import Golden, real

EXACT_SHARE, ROUNDED_SHARE, STEPS = 1e-3, 2e-2, 3.0
"""Of an output's range over all cases: in float32 on the CPU; where something computes in float16 or in integers, as
GPUs, NPUs and other kernels do in their own way. Integers that stand for real numbers may be a few steps off."""
_CERTAIN = 1e-3


class Classes(NamedTuple):
    """Outputs that are a score a class.

    Attributes:
        output: its place.
        labels: one a class.
        scores: what the scores are.
    """

    output: int
    labels: tuple[str, ...]
    scores: Literal["logits", "probabilities"]


def classes_of(
    golden: Sequence[Golden], outputs: Sequence[HandoffTensor], labels: Sequence[str], name: str, *, asked: bool
) -> Classes | None:
    """The output with a score a class; None where there is none, or it has not as many scores as there are labels.

    Args:
        golden: at least one case.
        labels: empty where they are not known.
        name: of the output; empty for the first.
        asked: whether the task is known to be classification, so that classes without names count.
    """
    places = [place for place, each in enumerate(outputs) if not name or each.name == name]
    if not places or not (asked or labels):
        return None
    place = places[0]
    rows = [real(one.outputs[place], outputs[place]).reshape(-1) for one in golden]
    if (
        golden[0].outputs[place].ndim < 2
        or golden[0].outputs[place].shape[0] != 1
        or (labels and rows[0].size != len(labels))
    ):
        return None
    known = tuple(labels) or tuple(f"class {index}" for index in range(rows[0].size))
    certain = all(
        row.min() >= 0 and abs(float(row.sum()) - 1) < max(_CERTAIN, row.size * outputs[place].scale) for row in rows
    )
    return Classes(place, known, "probabilities" if certain else "logits")


def answered(one: Golden, classes: Classes, outputs: Sequence[HandoffTensor]) -> GoldenCase:
    """A case with the class that its scores name; without one where a score is NaN."""
    scores = real(one.outputs[classes.output], outputs[classes.output]).reshape(-1)
    if not np.isfinite(scores).all():
        return one.case
    best = int(scores.argmax())
    told = {"best": best, "answer": classes.labels[best], "confidence": _confidence(scores, best, classes.scores)}
    return one.case.model_copy(update=told)


def _confidence(scores: NDArray[np.float64], best: int, kind: str) -> float:
    if kind == "probabilities":
        return float(scores[best])
    powers = np.exp(scores - scores[best])
    return float(powers[best] / powers.sum())


def with_tolerances(
    outputs: Sequence[HandoffTensor], golden: Sequence[Golden], inspection: Inspection, *, on_cpu: bool
) -> tuple[HandoffTensor, ...]:
    """Outputs with their shapes, as the artifact gave them, and tolerances.

    Args:
        on_cpu: whether the target has the model run on the CPU alone.
    """
    halves = any(op.dtype == "float16" for op in inspection.ops) or bool(inspection.integer_ops())
    share = EXACT_SHARE if on_cpu and not halves else ROUNDED_SHARE
    return tuple(_tolerated(each, [one.outputs[place] for one in golden], share) for place, each in enumerate(outputs))


def _tolerated(output: HandoffTensor, values: Sequence[NDArray[np.generic]], share: float) -> HandoffTensor:
    numbers = np.concatenate([real(value, output).reshape(-1) for value in values])
    spread = float(np.ptp(numbers)) if numbers.size and np.isfinite(numbers).all() else 0.0
    tolerance = max(share * spread, STEPS * output.scale, 1e-6)
    shape = tuple(values[0].shape)
    return output.model_copy(
        update={"tolerance": float(f"{tolerance:.3g}"), "shape": shape, "dtype": values[0].dtype.name}
    )
