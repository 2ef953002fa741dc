"""What a class of transformers does, as the settings of a task."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from exporter.data.base import JsonMapping

_BACKGROUND = frozenset(("detr", "yolos", "table-transformer"))
"""Model types whose detectors have a last class for nothing, under a softmax; the others have a sigmoid a class, as
``post_process_object_detection`` of their image processors has."""


def task_of(kind: str, config: Any) -> JsonMapping:
    """Settings of the task.

    Args:
        kind: name of the class, such as ``BertForTokenClassification``.
        config: of the model.

    Returns:
        What a ``[model.task]`` table would say; empty where the class does none that this program measures.
    """
    return next((say(config) for ending, say in _TASKS.items() if kind.endswith(ending)), {})


def labels_of(config: Any) -> tuple[str, ...]:
    """Class names in their order; none where they are only numbered."""
    names = tuple(str(config.id2label[index]) for index in sorted(config.id2label))
    return () if all(name == f"LABEL_{index}" for index, name in enumerate(names)) else names


def _one_class(config: Any) -> JsonMapping:
    if config.problem_type == "regression" or config.num_labels == 1:
        return {"kind": "regression"}
    return {} if config.problem_type == "multi_label_classification" else {"kind": "classification"}


def _detection(config: Any) -> JsonMapping:
    outputs: list[JsonValue] = ["pred_boxes", "logits"]
    if config.model_type in _BACKGROUND:
        return {"kind": "detection", "head": "detr", "outputs": outputs}
    return {
        "kind": "detection",
        "head": "boxes",
        "outputs": outputs,
        "box_format": "cxcywh",
        "normalized": True,
        "activation": "sigmoid",
    }


def _segmentation(config: Any) -> JsonMapping:
    return {"kind": "segmentation", "output": "logits", "ignore": getattr(config, "semantic_loss_ignore_index", 255)}


_TASKS: Mapping[str, Callable[[Any], JsonMapping]] = {
    "ForImageClassification": _one_class,
    "ForSequenceClassification": _one_class,
    "ForVideoClassification": _one_class,
    "ForObjectDetection": _detection,
    "ForSemanticSegmentation": _segmentation,
}
