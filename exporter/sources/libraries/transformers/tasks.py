"""What a class of transformers does, as the settings of a task."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.base import JsonMapping

_BACKGROUND = frozenset(("detr", "yolos", "table-transformer"))
"""Model types whose detectors have a last class for nothing, under a softmax; the others have a sigmoid a class, as
``post_process_object_detection`` of their image processors has."""

_RELATIVE = frozenset(("dpt", "depth_anything", "prompt_depth_anything"))
"""Model types that give disparities without a scale, unless their configuration says that they are metric."""


_MARKS = {"iob": {"B-", "I-"}, "bioes": {"B-", "I-", "E-", "S-"}}
"""How class names of a tagger begin whose tags say what is one name."""


class Known(NamedTuple):
    """What says how outputs are read: the model's configuration, and the folder of its files where it has one."""

    config: Any
    folder: Path | None = None


def task_of(kind: str, known: Known) -> JsonMapping:
    """Settings of the task.

    Args:
        kind: name of the class, such as ``BertForTokenClassification``.
        known: of the model.

    Returns:
        What a ``[model.task]`` table would say; empty where the class does none that this program measures.
    """
    return next((say(known) for ending, say in _TASKS.items() if kind.endswith(ending)), {})


def labels_of(config: Any) -> tuple[str, ...]:
    """Class names in their order; none where they are only numbered."""
    names = tuple(str(config.id2label[index]) for index in sorted(config.id2label))
    return () if all(name == f"LABEL_{index}" for index, name in enumerate(names)) else names


def _one_class(known: Known) -> JsonMapping:
    several = known.config.problem_type == "multi_label_classification"
    return {} if several else {"kind": "classification", "output": "logits"}


def _text_class(known: Known) -> JsonMapping:
    config = known.config
    if config.problem_type == "regression" or config.num_labels == 1:
        return {"kind": "regression", "output": "logits"}
    return {} if config.problem_type == "multi_label_classification" else _text("texts")


def _names(known: Known) -> JsonMapping:
    names = known.config.id2label
    outside = [index for index, name in names.items() if name == "O"]
    marked = {name[:2] for name in names.values() if name != "O"}
    entities = next((form for form, marks in _MARKS.items() if marked and marked <= marks), None)
    return {**_text("tokens"), "not_named": [*outside], **({"entities": entities} if entities else {})}


def _text(scores: str) -> JsonMapping:
    return {"kind": "text", "output": "logits", "scores": scores}


def _detection(known: Known) -> JsonMapping:
    shared: JsonMapping = {"kind": "detection", "outputs": ["pred_boxes", "logits"]}
    if known.config.model_type in _BACKGROUND:
        return {**shared, "head": "detr"}
    return {**shared, "head": "boxes", "box_format": "cxcywh", "normalized": True, "activation": "sigmoid"}


def _segmentation(known: Known) -> JsonMapping:
    ignore = getattr(known.config, "semantic_loss_ignore_index", 255)
    return {"kind": "segmentation", "output": "logits", "ignore": ignore}


def _depth(known: Known) -> JsonMapping:
    usual = "relative" if known.config.model_type in _RELATIVE else "metric"
    relative = getattr(known.config, "depth_estimation_type", usual) == "relative"
    scale: JsonMapping = {"gives": "disparity", "alignment": "affine"} if relative else {}
    return {"kind": "depth", "output": "predicted_depth", **scale}


def _speech(known: Known) -> JsonMapping:
    vocabulary = None if known.folder is None else known.folder / "vocab.json"
    named: JsonMapping = {"vocabulary": str(vocabulary)} if vocabulary is not None and vocabulary.is_file() else {}
    return {"kind": "speech", "output": "logits", "blank": known.config.pad_token_id or 0, **named}


_TASKS: Mapping[str, Callable[[Known], JsonMapping]] = {
    "ForImageClassification": _one_class,
    "ForVideoClassification": _one_class,
    "ForSequenceClassification": _text_class,
    "ForTokenClassification": _names,
    "ForMaskedLM": lambda _: _text("tokens"),
    "ForCausalLM": lambda _: _text("next"),
    "LMHeadModel": lambda _: _text("next"),
    "ForObjectDetection": _detection,
    "ForSemanticSegmentation": _segmentation,
    "ForDepthEstimation": _depth,
    "ForPoseEstimation": lambda _: {"kind": "keypoints", "output": "heatmaps"},
    "ForCTC": _speech,
    "ForAudioClassification": lambda _: {"kind": "audio", "output": "logits"},
    "ForImageSuperResolution": lambda _: {"kind": "super_resolution", "output": "reconstruction"},
    "TextModelWithProjection": lambda _: {"kind": "embedding", "output": "text_embeds"},
    "VisionModelWithProjection": lambda _: {"kind": "embedding", "output": "image_embeds"},
}
