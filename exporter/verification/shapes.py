"""Runs source and artifact on every shape that is tried of the source's flexible inputs."""

from collections.abc import Callable, Sequence

from exporter.data.errors import ExporterError, NotEvaluableError, first_line
from exporter.data.facts.parity import Parity, ShapeParity
from exporter.data.facts.source import InputSpec, SourceDescription, at_every_size
from exporter.datasets.dataset import Dataset
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.verification.compare import Reference, compare, reference_outputs
from exporter.verification.noise import NOISE_EXAMPLES
from exporter.verification.runners import Runner

DataAt = Callable[[Sequence[InputSpec]], Dataset]


def shape_parities(
    artifact: ArtifactRunner, source: Runner, description: SourceDescription, data_at: DataAt
) -> tuple[ShapeParity, ...]:
    """How outputs compare on a few examples of each shape; nothing where no input is flexible.

    Args:
        data_at: examples for inputs of one shape each.
    """
    sizes = at_every_size(description.inputs)
    if len(sizes) == 1:
        return ()
    return tuple(_at_one(artifact, source, description, sized, data_at) for sized in sizes)


def _at_one(
    artifact: ArtifactRunner,
    source: Runner,
    description: SourceDescription,
    sized: Sequence[InputSpec],
    data_at: DataAt,
) -> ShapeParity:
    shapes = {spec.name: spec.shape for spec in sized}
    try:
        reference = reference_outputs(source, description, data_at(sized), NOISE_EXAMPLES, _untold)
    except Exception as error:  # noqa: BLE001 - whatever the source raises, nothing is known of the artifact then
        return ShapeParity(shapes=shapes, problem=f"the source itself does not run there: {first_line(error)}")
    return _compared(artifact, reference, shapes)


def _compared(artifact: ArtifactRunner, reference: Reference, shapes: dict[str, tuple[int, ...]]) -> ShapeParity:
    try:
        found = compare(artifact, reference, _untold)
    except NotEvaluableError as error:
        return ShapeParity(shapes=shapes, problem=first_line(error))
    except ExporterError as error:
        return ShapeParity(shapes=shapes, runs=False, problem=first_line(error))
    if any(output.source_not_finite for output in found.outputs):
        return ShapeParity(shapes=shapes, problem="the source itself gives NaN or infinity there")
    return _of(found, shapes)


def _of(found: Parity, shapes: dict[str, tuple[int, ...]]) -> ShapeParity:
    return ShapeParity(
        shapes=shapes,
        runs=True,
        data=found.data,
        samples=found.samples,
        snr_db=found.snr_db,
        max_abs_error=found.max_abs_error,
    )


def _untold(done: int, total: int) -> None:
    """A few examples take no time that anybody waits for."""
