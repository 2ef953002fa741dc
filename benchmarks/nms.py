"""Suppression inside files against torchvision's ``batched_nms``, on random and adversarial sets of boxes.

One file a format and threshold is converted, and run on every set: by LiteRT, ONNX Runtime, and the reference evaluator
of Core ML. Sets are alike when boxes, scores, classes and their order are; a pipeline of Core ML and TFLite's operator
have boxes as shares of the picture, and may be a thousandth of a pixel off. Sets on which a file differs are counted by
their kind, and again those on which ``batched_nms`` differs from ``nms`` of each class, as its coordinates are rounded
(`docs/detection.md`).

    python benchmarks/nms.py --sets 10000
"""

import argparse
import collections
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription, SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.suppression import Suppression
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.format import Origin
from exporter.formats.registry import format_named
from exporter.formats.session import ConversionSession
from exporter.sources.modules import Found, from_module
from exporter.tasks.detection.infile import DETECTED
from exporter.tasks.detection.suppressed import Suppressed

BOXES, CLASSES, SIDE = 64, 3, 256
THRESHOLDS = (0.45, 0.5)
TARGETS: dict[str, dict[str, str]] = {
    "tflite": {"format": "tflite", "minimum_os": "Android 12"},
    "tflite, operator": {"format": "tflite", "minimum_os": "Android 12", "suppression": "detection_postprocess"},
    "onnx": {"format": "onnx", "minimum_os": "Android 12"},
    "coreml, iOS 16": {"format": "coreml", "minimum_os": "iOS 16"},
    "coreml, iOS 18": {"format": "coreml", "minimum_os": "iOS 18"},
    "coreml, pipeline": {"format": "coreml", "minimum_os": "iOS 18", "suppression": "pipeline"},
}
Arrays = tuple[NDArray[Any], ...]
Sets = Iterator[tuple[str, NDArray[np.float32], NDArray[np.float32]]]


def random_boxes(draw: np.random.Generator, largest: float = 80) -> NDArray[np.float32]:
    """(BOXES, 4) corners."""
    starts, sides = draw.uniform(0, SIDE - largest, (BOXES, 2)), draw.uniform(0, largest, (BOXES, 2))
    return np.concatenate([starts, starts + sides], 1).astype(np.float32)


def random_scores(draw: np.random.Generator) -> NDArray[np.float32]:
    """(BOXES, CLASSES)."""
    return draw.uniform(0, 1, (BOXES, CLASSES)).astype(np.float32)


def _identical(draw: np.random.Generator) -> Arrays:
    return random_boxes(draw)[draw.integers(0, 4, BOXES)], random_scores(draw)


def _without_area(draw: np.random.Generator) -> Arrays:
    boxes = random_boxes(draw)
    flat = draw.uniform(size=(BOXES, 2)) < 0.3
    return np.concatenate([boxes[:, :2], np.where(flat, boxes[:, :2], boxes[:, 2:])], 1), random_scores(draw)


def _at_the_threshold(draw: np.random.Generator) -> Arrays:
    """Boxes of 20 by 10 and parts of them: IoU of 9/20, 10/20 and others."""
    starts = 40.0 * draw.integers(0, 3, (BOXES, 2))
    widths = draw.choice([8, 9, 10, 11, 20], BOXES)
    return np.stack([*starts.T, starts[:, 0] + widths, starts[:, 1] + 10], 1).astype(np.float32), random_scores(draw)


KINDS: dict[str, Callable[[np.random.Generator], Arrays]] = {
    "random": lambda draw: (random_boxes(draw), random_scores(draw)),
    "few": lambda draw: (random_boxes(draw), random_scores(draw) ** 8),
    "tied scores": lambda draw: (random_boxes(draw), np.round(random_scores(draw), 1)),
    "identical boxes": _identical,
    "identical boxes and scores": lambda draw: (_identical(draw)[0], np.round(random_scores(draw), 1)),
    "boxes without area": _without_area,
    "IoU at the threshold": _at_the_threshold,
    "more than fit": lambda draw: (random_boxes(draw, 12), random_scores(draw) / 2 + 0.5),
    "none": lambda draw: (random_boxes(draw), random_scores(draw) * 0.24),
    "all at the threshold of scores": lambda draw: (random_boxes(draw), np.full((BOXES, CLASSES), 0.25, np.float32)),
    "on a grid": lambda draw: (np.round(random_boxes(draw) / 8) * 8, random_scores(draw)),
    "one score": lambda draw: (_identical(draw)[0], np.full((BOXES, CLASSES), 0.5, np.float32)),
}


def sets(count: int, seed: int) -> Sets:
    """Kind, boxes (1, BOXES, 4) and scores (1, BOXES, CLASSES)."""
    draw = np.random.default_rng(seed)
    kinds = list(KINDS.items())
    for place in range(count):
        name, make = kinds[place % len(kinds)]
        boxes, scores = make(draw)
        yield name, np.asarray(boxes, np.float32)[None], np.asarray(scores, np.float32)[None]


class Given(torch.nn.Module):
    """A detector whose inputs are its boxes and scores; twice negated, as no file holds a model that does nothing."""

    def forward(self, image: torch.Tensor, boxes: torch.Tensor, scores: torch.Tensor) -> Any:
        """The two."""
        return torch.neg(torch.neg(boxes)) + 0 * image.sum(), torch.neg(torch.neg(scores))


def suppressing(settings: dict[str, str], asked: Suppression, classes: int, folder: Path) -> ArtifactRunner:
    """Runs a file of `settings` that suppresses what it is given."""
    form = format_named(settings["format"])
    target = form.target_type.model_validate({"name": "nms", "postprocessing": "nms", **settings})
    shapes = {"image": (1, 3, SIDE, SIDE), "boxes": (1, BOXES, 4), "scores": (1, BOXES, classes)}
    inputs = tuple({"name": f"given_{name}", "shape": shape} for name, shape in shapes.items())
    model = ModelSettings.model_validate({"inputs": inputs, "outputs": ("boxes", "scores"), "mean": 0, "std": 1})
    source = from_module(SourceKind.FACTORY, "given", model, Found(Given().eval()))
    made = ConversionSession(source, None, 1).convert(form.in_float(target), folder)
    final = _detected(source.description, asked.most_detections)
    out = folder / f"nms{made.path.suffix}"
    form.postprocess(target, made.path, out, Postprocessing(final, model, suppression=asked))
    return form.evaluator(form.evaluators()[0], out, Origin(final, lambda: final.output_shapes))


def _detected(description: SourceDescription, most: int) -> SourceDescription:
    shapes = ((1, most, 4), (1, most), (1, most), (1,))
    return description.model_copy(update={"outputs": DETECTED, "output_shapes": shapes})


def batched(boxes: NDArray[Any], scores: NDArray[Any], asked: Suppression) -> Arrays:
    """The same by ``torchvision.ops.batched_nms``, padded."""
    places, classes = np.nonzero(scores[0] >= np.float32(asked.score_threshold))
    corners, best = torch.from_numpy(boxes[0][places]), torch.from_numpy(scores[0][places, classes])
    groups = torch.from_numpy(classes * (not asked.class_agnostic))
    kept = torchvision.ops.batched_nms(corners, best, groups, asked.iou_threshold or 0)[: asked.most_detections].numpy()
    found: Arrays = (np.zeros((1, asked.most_detections, 4), np.float32),)
    found += np.zeros((1, asked.most_detections), np.float32), np.zeros((1, asked.most_detections), np.int32)
    for value, given in zip(found, (corners.numpy(), best.numpy(), classes), strict=True):
        value[0, : len(kept)] = given[kept]
    return (*found, np.array([len(kept)], np.int32))


def alike(one: Arrays, other: Arrays, pixels: float) -> bool:
    """Whether two results are the same, boxes to within `pixels`."""
    same = all(np.array_equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))
    return same and bool(np.abs(one[0] - other[0]).max(initial=0) <= pixels)


def main() -> None:
    """Print a line a format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=10_000)
    parser.add_argument("--only", help="a target's name", choices=TARGETS)
    parser.add_argument("--classes", type=int, default=CLASSES, choices=range(1, CLASSES + 1))
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # sets are small: several threads wait for one another longer than they compute
    for name, settings in TARGETS.items():
        if arguments.only in (None, name):
            _compare(name, settings, arguments.sets, arguments.classes)


def _compare(name: str, settings: dict[str, str], count: int, classes: int) -> None:
    unlike: collections.Counter[str] = collections.Counter()
    rounded: collections.Counter[str] = collections.Counter()
    started, pixels = time.monotonic(), 1e-3 if "suppression" in settings else 0.0
    for place, threshold in enumerate(THRESHOLDS):
        asked = Suppression(iou_threshold=threshold, score_threshold=0.25, most_detections=40)
        each = Suppressed(asked)
        with tempfile.TemporaryDirectory() as folder:
            run = suppressing(settings, asked, classes, Path(folder))
            image = np.zeros((1, 3, SIDE, SIDE), np.float32)
            for kind, boxes, every in sets(count // len(THRESHOLDS), place):
                scores = np.ascontiguousarray(every[..., :classes])
                found, wanted = tuple(run([image, boxes, scores])), batched(boxes, scores, asked)
                own = tuple(value.numpy() for value in each(torch.from_numpy(boxes), torch.from_numpy(scores)))
                unlike[kind] += not alike(found, wanted, pixels)
                rounded[kind] += not alike(own, wanted, 0)
    wrong, of_torchvision = ({kind: times for kind, times in one.items() if times} for one in (unlike, rounded))
    print(
        f"{name}: {count - unlike.total()} of {count} sets equal to batched_nms; others {wrong or 'none'}; "
        f"nms of each class differs from batched_nms on {of_torchvision or 'none'}; {time.monotonic() - started:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
