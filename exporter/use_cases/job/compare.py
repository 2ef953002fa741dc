"""The artifact's outputs against its source's, by every evaluator that this machine has."""

from dataclasses import replace
from pathlib import Path

from exporter.data.errors import ArtifactError, NotEvaluableError, ToolError
from exporter.data.facts.parity import Parity
from exporter.data.progress import Advance
from exporter.data.settings.target import Target
from exporter.execution.isolation import Trouble, attempt
from exporter.execution.stage import Done, Stage
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.format import Format, Origin
from exporter.tasks.detection.settings import Detection
from exporter.tasks.keys import task_key
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.postprocess import (
    DETECTIONS,
    decoded_reference,
    described,
    detection_of,
    origin_with,
    reading_of,
)
from exporter.use_cases.job.work import Compared, TargetWork
from exporter.verification.compare import compare
from exporter.verification.scored import scored
from exporter.verification.shapes import shape_parities
from exporter.verification.steps import steps_parity


def compare_with_source(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with its comparisons, or with why there are none."""
    if not model.request.verify:
        return replace(work, compared=Compared(why_not="verification was switched off"))
    found = attempt(lambda: _compared(model, work))
    if isinstance(found, Trouble):
        return work.struck(found, compared=Compared(why_not=f"verification failed: {found.reason}"))
    return replace(work, compared=found)


def compared(model: ModelAtHand, target: Target, form: Format, file: Path, evaluator: str, advance: Advance) -> Parity:
    """How an artifact's outputs compare with its source's, also on every shape of flexible inputs, and over steps."""
    task = detection_of(target.postprocessing, model.settings, target.name)
    if task is not None:
        return _decoded(model, target, task, form.evaluator(evaluator, file, _origin(model, target, task)), advance)
    runner = form.evaluator(evaluator, file, model.origin)
    parity = compare(runner, model.reference_for(runner), advance)
    shapes = shape_parities(
        runner, model.source_runner, model.origin.description, lambda sized: model.examples_of(sized, runner)
    )
    steps = steps_parity(runner, model.source_runner, model.origin.description, model.integer_ranges)
    return parity.model_copy(update={"shapes": shapes, "steps": steps})


def _decoded(model: ModelAtHand, target: Target, task: Detection, runner: ArtifactRunner, advance: Advance) -> Parity:
    """Boxes and scores beside those that the source's head is decoded to; detections by the task alone."""
    found, _ = model.detector(task, None)
    final = described(found, target.postprocessing)
    reference, read = model.reference_for(runner), reading_of(task, final)
    if target.postprocessing == "nms":
        assert reference.scoring is not None, "the model has a detection task"
        return scored(runner, final.outputs, reference, reference.scoring, read, DETECTIONS, advance)
    return compare(runner, decoded_reference(reference, model.origin.description, task), advance, read)


def _origin(model: ModelAtHand, target: Target, task: Detection) -> Origin:
    return origin_with(model.detector(task, None)[0], target.postprocessing, model.origin)


def _compared(model: ModelAtHand, work: TargetWork) -> Compared:
    try:
        found = [_parity(model, work, evaluator) for evaluator in work.format.evaluators()]
    except NotEvaluableError as error:
        # The artifact is there; the evaluator refuses an operation of it, so nothing is known, and that is said.
        return Compared(why_not=str(error))
    except ArtifactError as error:
        raise ToolError(str(error)) from error  # nobody gave this file: it was made here
    return Compared(tuple(done.value for done in found), all(done.from_cache for done in found), "")


def _parity(model: ModelAtHand, work: TargetWork, evaluator: str) -> Done[Parity]:
    name, data = work.target.name, model.evaluation
    decided_by = (
        evaluator,
        work.made.facts.sha256,
        model.description.digest,
        model.origin.description.model_dump(mode="json"),
        model.origin.labels_given,
        data.digest,
        data.name,
        model.request.evaluation_samples,
        task_key(model.settings.task),
        work.target.postprocessing,
    )

    def compute(advance: Advance) -> Parity:
        return compared(model, work.target, work.format, work.made.path, evaluator, advance)

    return model.stages.value(Stage("verification", name, f"Verifying {name}", decided_by), Parity, compute)
