"""Decoding and suppression inside the artifact, as a target asks for them and the model's task describes them."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.target import Asked
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.format import Origin
from exporter.formats.session import ConversionSession, Tail
from exporter.sources.source import ModelSource
from exporter.tasks.detection.settings import Detection
from exporter.tasks.registry import task_named
from exporter.tasks.task import Reader
from exporter.verification.compare import Reference

if TYPE_CHECKING:  # torch
    from exporter.tasks.detection.infile import InFile

DETECTIONS = "the outputs are detections, which a detection task judges"


def detection_of(asked: Asked, settings: ModelSettings, name: str) -> Detection | None:
    """The detection task whose outputs an artifact decodes; None where it decodes none.

    Args:
        name: of the target, for errors.

    Raises:
        UsageProblem: the model has no such task.
    """
    if asked == "none":
        return None
    if not isinstance(settings.task, Detection):
        raise UsageProblem(
            f'target {name}: postprocessing = "{asked}" decodes a detector. Say in [model.task] '
            'what its outputs are: kind = "detection", head = "yolo", ... (docs/detection.md).'
        )
    return settings.task


def parts(source: ModelSource, task: Detection) -> "InFile":
    """What the artifact of a detector is made of."""
    from exporter.tasks.detection.infile import in_file

    return in_file(source, task)


def tail_of(found: "InFile", asked: Asked, settings: ModelSettings) -> Tail:
    """What stands behind the model in its artifact."""
    final = described(found, asked)
    suppression = found.suppression if asked == "nms" else None
    behind = Postprocessing(final, settings, wires=found.wires, suppression=suppression)
    return Tail(ConversionSession(found.decoder, None, 0), behind, found.notes)


def described(found: "InFile", asked: Asked) -> SourceDescription:
    """The model with the outputs that its artifact has."""
    return found.detected if asked == "nms" else found.decoded


def origin_with(found: "InFile", asked: Asked, origin: Origin) -> Origin:
    """What the artifact is run beside."""
    final = described(found, asked)
    return replace(origin, description=final, output_shapes=partial(tuple, final.output_shapes))


def reading_of(task: Detection, final: SourceDescription) -> Reader:
    """Reads the outputs of an artifact whose head is decoded, or whose boxes are suppressed as well, for the task."""
    from exporter.tasks.detection.infile import read_as

    return task_named(task.kind).reader(read_as(task, final.outputs), final)


def decoded_reference(reference: Reference, description: SourceDescription, task: Detection) -> Reference:
    """What the source gives, with its head decoded.

    Args:
        description: of the source, with the names of its outputs.
    """
    from exporter.tasks.detection.infile import DECODED, decode

    outputs = tuple(None if one is None else decode(one, description, task) for one in reference.outputs)
    return replace(reference, names=DECODED, outputs=outputs, scores_axis=None, classes=None, channels_last=False)
