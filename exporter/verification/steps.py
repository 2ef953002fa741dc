"""Runs source and artifact step by step over sequences, each from what it carried itself out of the step before.

A comparison of single calls cannot show whether what is carried arrives, nor how errors grow from step to step.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ExporterError, NotEvaluableError, first_line
from exporter.data.facts.parity import StepsParity
from exporter.data.facts.source import InputSpec, SourceDescription
from exporter.formats.format import ArtifactRunner, Call
from exporter.verification.metrics import Difference
from exporter.verification.noise import IntegerRange, noise
from exporter.verification.runners import Runner

SEQUENCES, STEPS = 2, 64

Arrays = tuple[NDArray[Any], ...]
Outputs = dict[str, NDArray[Any]]


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
    try:
        return _compared(artifact, source, description, ranges, steps)
    except NotEvaluableError as error:
        return StepsParity(sequences=SEQUENCES, steps=steps, problem=first_line(error))
    except ExporterError as error:
        return StepsParity(sequences=SEQUENCES, steps=steps, runs=False, problem=first_line(error))


def _compared(
    artifact: ArtifactRunner,
    source: Runner,
    description: SourceDescription,
    ranges: Mapping[str, IntegerRange],
    steps: int,
) -> StepsParity:
    given = [name for name in description.outputs if name not in description.carried.values()]
    differences, agreed = {name: Difference() for name in given}, 0
    for sequence in range(SEQUENCES):
        examples = list(_examples(description, ranges, sequence, steps))
        pairs = zip(_run(source, description, examples), _run(artifact.begin(), description, examples), strict=True)
        for wanted, found in pairs:
            for name in given:
                differences[name].add(wanted[name], found[name])
            agreed += int(np.argmax(wanted[given[0]]) == np.argmax(found[given[0]]))
    least = min(difference.snr_db for difference in differences.values())
    return StepsParity(
        sequences=SEQUENCES,
        steps=steps,
        runs=True,
        agreed=agreed,
        snr_db=None if least == np.inf else least,
        max_abs_error=max(difference.max_abs_error for difference in differences.values()),
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


def _run(run: Call | Runner, description: SourceDescription, examples: list[Arrays]) -> Iterator[Outputs]:
    """Outputs by name of each step, which is given what the step before gave."""
    held: Outputs = {}
    for example in examples:
        pairs = zip(description.inputs, example, strict=True)
        found = run([held.get(spec.name, value) for spec, value in pairs])
        outputs = dict(zip(description.outputs, map(np.asarray, found), strict=True))
        held = {name: outputs[output] for name, output in description.carried.items()}
        yield outputs
