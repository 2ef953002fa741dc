"""Runs source and artifact step by step over sequences, each from what it carried itself out of the step before.

A comparison of single calls cannot show whether what is carried arrives, nor how errors grow from step to step.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ExporterError, NotEvaluableError, first_line
from exporter.data.facts.parity import StepsParity
from exporter.data.facts.source import InputSpec, SourceDescription
from exporter.formats.artifact_runner import ArtifactRunner, Call
from exporter.verification.metrics import Difference
from exporter.verification.noise import IntegerRange, noise
from exporter.verification.runners import Runner

SEQUENCES, STEPS = 2, 64

Arrays = tuple[NDArray[Any], ...]
Outputs = Sequence[NDArray[Any]]


def steps_parity(
    artifact: ArtifactRunner, source: Runner, description: SourceDescription, ranges: Mapping[str, IntegerRange]
) -> StepsParity | None:
    """How outputs compare over sequences of drawn inputs; None for a source that carries nothing.

    What is carried begins as zeros, and the counter at 0; it stays in its range.
    """
    if not description.carried:
        return None
    most = ranges[description.counter].high + 1 if description.counter in ranges else STEPS
    steps = min(STEPS, most)
    examples = [list(_examples(description, ranges, sequence, steps)) for sequence in range(SEQUENCES)]
    try:
        wanted = [list(_given(source, description, sequence)) for sequence in examples]
    except Exception as error:  # noqa: BLE001 - whatever the source raises, nothing is known of the artifact then
        return _unknown(steps, f"the source itself does not run step by step: {first_line(error)}")
    try:
        return _compared(wanted, [_given(artifact.begin(), description, sequence) for sequence in examples])
    except NotEvaluableError as error:
        return _unknown(steps, first_line(error))
    except ExporterError as error:
        return StepsParity(sequences=SEQUENCES, steps=steps, runs=False, problem=first_line(error))


def _unknown(steps: int, problem: str) -> StepsParity:
    return StepsParity(sequences=SEQUENCES, steps=steps, problem=problem)


def _compared(wanted: Sequence[Sequence[Outputs]], found: Sequence[Iterable[Outputs]]) -> StepsParity:
    differences = [Difference() for _ in wanted[0][0]]
    agreed = 0
    for own, other in zip(chain(*wanted), chain(*found), strict=True):
        for difference, one, another in zip(differences, own, other, strict=True):
            difference.add(one, another)
        agreed += int(np.argmax(own[0]) == np.argmax(other[0]))
    if any(difference.source.values for difference in differences):
        return _unknown(len(wanted[0]), "the source itself gives NaN or infinity in some step")
    least = min(difference.snr_db for difference in differences)
    return StepsParity(
        sequences=len(wanted),
        steps=len(wanted[0]),
        runs=True,
        agreed=agreed,
        snr_db=None if least == np.inf else least,
        max_abs_error=max(difference.max_abs_error for difference in differences),
    )


def _examples(
    description: SourceDescription, ranges: Mapping[str, IntegerRange], sequence: int, steps: int
) -> Iterator[Arrays]:
    """Inputs of each step, as drawn; those that are carried are zeros."""
    drawn = noise(description.inputs, ranges)
    for step in range(steps):
        values = drawn.read(sequence * steps + step)
        pairs = zip(description.inputs, values, strict=True)
        yield tuple(_at(description, spec, value, step) for spec, value in pairs)


def _at(description: SourceDescription, spec: InputSpec, value: NDArray[Any], step: int) -> NDArray[Any]:
    if spec.name in description.carried:
        return np.zeros_like(value)
    return np.full_like(value, step) if spec.name == description.counter else value


def _given(run: Call | Runner, description: SourceDescription, examples: Sequence[Arrays]) -> Iterator[Outputs]:
    """Of each step what is not carried; it is given what the step before gave."""
    held: dict[str, NDArray[Any]] = {}
    for example in examples:
        pairs = zip(description.inputs, example, strict=True)
        found = run([held.get(spec.name, value) for spec, value in pairs])
        outputs = dict(zip(description.outputs, map(np.asarray, found), strict=True))
        held = {name: outputs.pop(output) for name, output in description.carried.items()}
        yield list(outputs.values())
