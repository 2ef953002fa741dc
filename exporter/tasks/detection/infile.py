"""What stands behind a detector in its file: which outputs it is made of, what decodes them, what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.suppression import Suppression
from exporter.execution.heavy import load_torch
from exporter.sources.outputs import flatten
from exporter.sources.source import ModelSource
from exporter.tasks.detection.decoding import decoder
from exporter.tasks.detection.parts import chosen, hints_left
from exporter.tasks.detection.settings import Detection
from exporter.tasks.outputs import outputs_named

DECODED = ("boxes", "scores")
DETECTED = ("boxes", "scores", "classes", "count")


@dataclass(frozen=True)
class InFile:
    """A detector, and what is to stand behind it.

    Attributes:
        head: the model, giving what the decoder takes.
        wires: names of these outputs.
        decoder: takes them, and gives boxes and scores.
        decoded: the model with its head decoded.
        suppression: of the task.
        notes: what could not be done, in sentences.
    """

    head: ModelSource
    wires: tuple[str, ...]
    decoder: ModelSource
    decoded: SourceDescription
    suppression: Suppression
    notes: tuple[str, ...]

    @property
    def detected(self) -> SourceDescription:
        """The model with detections as outputs."""
        most = self.suppression.most_detections
        shapes = ((1, most, 4), (1, most), (1, most), (1,))
        return self.decoded.model_copy(update={"outputs": DETECTED, "output_shapes": shapes})


def in_file(source: ModelSource, settings: Detection) -> InFile:
    """The parts of a detector's file.

    Raises:
        UsageProblem: the outputs are not what the settings say, or shapes are open.
    """
    description = source.description
    size = _size(description)
    places = _places(settings, description)
    head, wires, notes = _head(source, settings, places)
    shapes = _shapes(head, wires)
    module = decoder(settings, shapes, size)
    given = tuple(InputSpec(name=f"given_{place}", shape=shape) for place, shape in enumerate(shapes))
    tail = _described(f"the decoding of {description.spec}", given, module)
    labels = description.classes or description.labels
    outputs = {"outputs": DECODED, "output_shapes": tail.output_shapes, "labels": labels}
    classes = tail.output_shapes[1][2]
    _check_labels(labels, classes)
    return InFile(
        head,
        wires,
        ModelSource(tail, ModelSettings(), module),
        description.model_copy(update=outputs),
        suppression_of(settings, labels),
        notes,
    )


def suppression_of(settings: Detection, class_names: Sequence[str] = ()) -> Suppression:
    """What the task's settings say of suppression."""
    return Suppression(
        iou_threshold=settings.iou_threshold,
        score_threshold=settings.score_threshold,
        most_detections=settings.most_detections,
        class_agnostic=settings.class_agnostic,
        class_names=tuple(class_names),
    )


def decode(
    outputs: Sequence[NDArray[Any]], description: SourceDescription, settings: Detection
) -> tuple[NDArray[np.float32], ...]:
    """Boxes and scores of one run of the model itself.

    Args:
        outputs: all of the model's.
        description: with their names.
    """
    torch = load_torch()
    places = _places(settings, description)
    given = [np.ascontiguousarray(outputs[place], np.float32) for place in places]
    module = decoder(settings, [value.shape for value in given], _size(description))
    with torch.no_grad():
        return tuple(tensor.numpy() for tensor in module(*map(torch.from_numpy, given)))


def read_as(settings: Detection, outputs: Sequence[str]) -> Detection:
    """How the outputs of a file are read whose head is decoded, or whose boxes are suppressed as well.

    Args:
        outputs: `DECODED` or `DETECTED`.
    """
    final = tuple(outputs) == DETECTED
    return Detection(
        head="boxes",
        outputs=DETECTED[:3] if final else DECODED,
        # Rows of zeros behind the last detection are no detections.
        score_threshold=max(settings.score_threshold, 1e-30),
        iou_threshold=None if final else settings.iou_threshold,
        class_agnostic=settings.class_agnostic,
        most_detections=settings.most_detections,
    )


def _places(settings: Detection, description: SourceDescription) -> tuple[int, ...]:
    """Of the outputs that the head reads: a YOLO's one, or boxes, scores and, where there are any, classes."""
    places = outputs_named(description, settings.outputs or description.outputs, settings.kind)
    return places[:1] if settings.head == "yolo" else places[:3]


def _size(description: SourceDescription) -> tuple[int, int]:
    """Width and height of the picture."""
    images = [spec for spec in description.inputs if spec.image is not None]
    if not images:
        raise UsageProblem("postprocessing needs an image input, in whose pixels boxes are; the model has none.")
    if any(spec.flexible is not None for spec in description.inputs):
        raise UsageProblem(
            "postprocessing needs inputs of one shape, as the number of boxes follows from it. Give one length a "
            'dimension, or set postprocessing = "none".'
        )
    if images[0].shape[0] != 1:
        raise UsageProblem("postprocessing is of one picture at a time: give the input a batch of 1.")
    height, width = images[0].height_width
    return width, height


def _head(
    source: ModelSource, settings: Detection, places: Sequence[int]
) -> tuple[ModelSource, tuple[str, ...], tuple[str, ...]]:
    """The model with the outputs that are decoded, their names, and what could not be done."""
    description = source.description
    plain = replace(source, description=description.model_copy(update={"labels": ()}))
    if source.module is None:
        names = tuple(description.outputs[place] for place in places)
        return plain, names, (_WHOLE,) if settings.head == "yolo" else ()
    yolo = settings.head == "yolo"
    module = chosen(source.module, places, in_parts=yolo)
    shapes = _run(module, description.inputs)
    if yolo and not _are_parts(shapes):
        module = chosen(source.module, places, in_parts=False)
        shapes = _run(module, description.inputs)
    names = tuple(f"head_{place}" for place in range(len(shapes)))
    outputs = {"outputs": names, "output_shapes": shapes, "labels": ()}
    hints = hints_left(source.hints, module, source.module)
    head = replace(source, description=description.model_copy(update=outputs), module=module, hints=hints)
    return head, names, (_WHOLE,) if yolo and len(shapes) == 1 else ()


_WHOLE = (
    "the head gives boxes and scores as one tensor, which is not put together from them where the model ends: in 8 "
    "bits scores would be lost beside pixels. Give a model that returns them apart, or keep its last concatenation in "
    "float"
)


def _are_parts(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether parts lie behind one another along the axis of coordinates and classes, the shorter one."""
    if len(shapes) < 2 or any(len(shape) != 3 for shape in shapes):
        return False
    unlike = [axis for axis in range(3) if len({shape[axis] for shape in shapes}) > 1]
    if len(unlike) != 1 or unlike[0] == 0:
        return False
    return sum(shape[unlike[0]] for shape in shapes) < shapes[0][3 - unlike[0]]


def _shapes(head: ModelSource, wires: Sequence[str]) -> list[tuple[int, ...]]:
    known = dict(zip(head.description.outputs, head.description.output_shapes, strict=True))
    return [known[name] for name in wires]


def _described(spec: str, inputs: tuple[InputSpec, ...], module: Any) -> SourceDescription:
    return SourceDescription(
        spec=spec,
        kind=SourceKind.FACTORY,
        digest="",
        inputs=inputs,
        outputs=DECODED,
        output_shapes=_run(module, inputs),
        parameters=0,
        size_bytes=0,
    )


def _run(module: Any, inputs: Sequence[InputSpec]) -> tuple[tuple[int, ...], ...]:
    """Shapes of a module's outputs."""
    torch = load_torch()
    with torch.no_grad():
        given = [torch.full(spec.shape, spec.telling, dtype=getattr(torch, spec.dtype)) for spec in inputs]
        return tuple(tuple(tensor.shape) for tensor in flatten(module(*given)))


def _check_labels(labels: Sequence[str], classes: int) -> None:
    if labels and len(labels) != classes:
        raise UsageProblem(
            f"labels: {len(labels)} names, and the head has {classes} classes. Give one name a "
            "class, in the order of the scores, without a background."
        )
