"""An artifact that gives other outputs than its source, such as detections: its task is measured, and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.parity import OutputParity, Parity
from exporter.data.progress import Advance
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.tasks.task import Reader
from exporter.verification.compare import Reference, results_of
from exporter.verification.scoring import Scoring


def scored(
    artifact: ArtifactRunner,
    names: Sequence[str],
    reference: Reference,
    scoring: Scoring,
    read: Reader,
    why_not: str,
    on_advance: Advance,
) -> Parity:
    """Run the artifact over the reference's examples, and measure its task.

    Args:
        names: of the artifact's outputs.
        scoring: the source's.
        read: makes predictions of the artifact's outputs.
        why_not: the outputs are not compared as numbers.
    """
    scores, seen = scoring.artifact(read), _Seen(names)
    results = zip(reference.runs, results_of(artifact, reference.data, reference.runs), strict=True)
    for position, (run, found) in enumerate(results):
        outputs = [np.asarray(value) for value in found]
        scores.take(run, outputs)
        seen.add(position, outputs)
        on_advance(position + 1, len(reference.runs))
    return Parity(
        data=reference.data.name,
        samples=len(scores.counted),
        evaluator=artifact.name,
        snr_db=math.nan,
        cosine=math.nan,
        max_abs_error=math.nan,
        outputs=seen.facts(),
        not_compared=why_not,
        drawn=reference.data.drawn,
        task=scoring.facts(scores),
    )


@dataclass
class _Seen:
    """Values of each output that are NaN or infinite, which no task's figure excuses."""

    names: Sequence[str]
    values: list[int] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    first: list[int | None] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def add(self, position: int, outputs: Sequence[NDArray[Any]]) -> None:
        """Take in one run."""
        if not self.shapes:
            self.shapes = [output.shape for output in outputs]
            self.values, self.bad = [0] * len(outputs), [0] * len(outputs)
            self.first = [None] * len(outputs)
        for place, output in enumerate(outputs):
            count = int((~np.isfinite(output)).sum())
            self.values[place] += output.size
            self.bad[place] += count
            if count and self.first[place] is None:
                self.first[place] = position

    def facts(self) -> tuple[OutputParity, ...]:
        """Of each output; nothing of it was compared."""
        rows = zip(self.names, self.shapes, self.values, self.bad, self.first, strict=True)
        return tuple(
            OutputParity(
                name=name,
                shape=shape,
                values=values,
                snr_db=math.nan,
                max_abs_error=math.nan,
                not_finite=bad,
                not_finite_example=first,
            )
            for name, shape, values, bad, first in rows
        )
