"""A pipeline of an ML program and Core ML's model of NonMaximumSuppression, as Vision takes it."""

from collections.abc import Sequence
from typing import Any

from exporter.data.settings.suppression import Suppression
from exporter.formats.coreml.coremltools import load_coremltools

COLUMNS = 80
"""The number of classes is filled up to a multiple of it: behind an ML program, Core ML's suppression loses and mixes
boxes with other numbers (ultralytics/ultralytics issue 22309 and pull request 22310, seen on iOS 18; also
apple/coremltools issue 2445, with 34 classes)."""
IOU_THRESHOLD, CONFIDENCE_THRESHOLD = "iouThreshold", "confidenceThreshold"


def columns(classes: int) -> int:
    """How many columns the confidence has."""
    return -(-classes // COLUMNS) * COLUMNS


def pipeline(program: Any, suppression: Suppression, classes: int) -> Any:
    """The specification of the pipeline.

    Args:
        program: a specification that gives ``raw_confidence`` (K, columns) and ``raw_coordinates`` (K, 4).
        suppression: its thresholds are what holds where the app gives none.
        classes: that the model has.
    """
    whole = load_coremltools().proto.Model_pb2.Model()
    whole.specificationVersion = program.specificationVersion
    last = _suppression_model(program, suppression, classes)
    whole.pipeline.models.extend([program, last])
    whole.pipeline.names.extend(["model", "suppression"])
    whole.description.CopyFrom(program.description)
    _add_thresholds(whole.description)
    del whole.description.output[:]
    whole.description.output.extend(last.description.output)
    return whole


def _suppression_model(program: Any, asked: Suppression, classes: int) -> Any:
    """Source: coremltools ``mlmodel/format/NonMaximumSuppression.proto``."""
    model = load_coremltools().proto.Model_pb2.Model()
    model.specificationVersion = program.specificationVersion
    confidence, coordinates = program.description.output
    model.description.input.extend([confidence, coordinates])
    _add_thresholds(model.description)
    for name, given in (("confidence", confidence), ("coordinates", coordinates)):
        _add_output(model.description, name, given, asked.most_detections)
    own = model.nonMaximumSuppression
    own.iouThreshold = 1.0 if asked.iou_threshold is None else asked.iou_threshold
    own.confidenceThreshold = asked.score_threshold
    own.confidenceInputFeatureName, own.coordinatesInputFeatureName = confidence.name, coordinates.name
    own.iouThresholdInputFeatureName, own.confidenceThresholdInputFeatureName = IOU_THRESHOLD, CONFIDENCE_THRESHOLD
    own.confidenceOutputFeatureName, own.coordinatesOutputFeatureName = "confidence", "coordinates"
    own.pickTop.perClass = not asked.class_agnostic
    own.stringClassLabels.vector.extend(_names(asked.class_names, classes))
    return model


def _names(known: Sequence[str], classes: int) -> list[str]:
    """One a column; columns that no class has are said to be that."""
    own = list(known) or [str(place) for place in range(classes)]
    return own + [f"none_{place}" for place in range(classes, columns(classes))]


def _add_thresholds(description: Any) -> None:
    texts = {
        IOU_THRESHOLD: "boxes that overlap more than this, as intersection over union, suppress one another",
        CONFIDENCE_THRESHOLD: "boxes below this confidence are left out",
    }
    for name, text in texts.items():
        feature = description.input.add()
        feature.name, feature.shortDescription = name, text
        feature.type.doubleType.SetInParent()
        feature.type.isOptional = True


def _add_output(description: Any, name: str, given: Any, most: int) -> None:
    feature = description.output.add()
    feature.name = name
    array = feature.type.multiArrayType
    array.dataType = given.type.multiArrayType.dataType
    width = given.type.multiArrayType.shape[1]
    for low, high in ((0, most), (width, width)):
        bounds = array.shapeRange.sizeRanges.add()
        bounds.lowerBound, bounds.upperBound = low, high
