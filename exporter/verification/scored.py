"""An artifact that gives other outputs than its source, such as detections: its task is measured, and nothing else."""

import math

import numpy as np

from exporter.data.facts.parity import Parity
from exporter.data.progress import Advance
from exporter.formats.format import ArtifactRunner
from exporter.tasks.task import Reader
from exporter.verification.compare import Reference, results_of
from exporter.verification.scoring import Scoring


def scored(
    artifact: ArtifactRunner, reference: Reference, scoring: Scoring, read: Reader, why_not: str, on_advance: Advance
) -> Parity:
    """Run the artifact over the reference's examples, and measure its task.

    Args:
        scoring: the source's.
        read: makes predictions of the artifact's outputs.
        why_not: the outputs are not compared as numbers.
    """
    scores = scoring.artifact(read)
    for position, (run, found) in enumerate(
        zip(reference.runs, results_of(artifact, reference.data, reference.runs), strict=True)
    ):
        scores.take(run, [np.asarray(value) for value in found])
        on_advance(position + 1, len(reference.runs))
    return Parity(
        data=reference.data.name,
        samples=len(scores.counted),
        evaluator=artifact.name,
        snr_db=math.nan,
        cosine=math.nan,
        max_abs_error=math.nan,
        not_compared=why_not,
        drawn=reference.data.drawn,
        task=scoring.facts(scores),
    )
