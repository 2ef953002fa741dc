"""ML programs that stand behind one that gives boxes and scores."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.settings.suppression import Suppression
from exporter.execution.heavy import quiet
from exporter.formats.coreml.conversion.package import save
from exporter.formats.coreml.conversion.program import deployment_target
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.postprocessing.candidates import builder, candidates, left
from exporter.formats.coreml.postprocessing.joined import inline

Shape = tuple[int, ...]


def suppression_program(boxes: Shape, scores: Shape, asked: Suppression, generation: int) -> Any:
    """The specification of a program that gives detections, padded with zeros.

    Args:
        boxes: shape of the boxes, corners.
        scores: shape of the scores.
        generation: the iOS generation of the program.
    """

    def body(given_boxes: Any, given_scores: Any) -> list[Any]:
        found = candidates(given_boxes, given_scores, asked)
        most = min(asked.most_detections, found.ranks.shape[0])
        kept = left(found, asked, scores[2], most, with_threshold=generation < 17)
        return _results(found, kept, asked.most_detections, most)

    return program(body, [boxes, scores], generation)


def candidate_program(boxes: Shape, scores: Shape, columns: int, size: tuple[int, int], generation: int) -> Any:
    """The specification of a program that gives candidates as a model of NonMaximumSuppression takes them.

    It gives ``raw_confidence`` (K, columns), of each candidate the score in the column of its class and zeros beside
    it, and ``raw_coordinates`` (K, 4): centre and size as shares of the input.

    Args:
        columns: as many as there are classes, or more.
        size: width and height of the input.
    """

    def body(given_boxes: Any, given_scores: Any) -> list[Any]:
        mb, found = builder(), candidates(given_boxes, given_scores, Suppression())
        own = mb.equal(x=mb.expand_dims(x=found.classes, axes=[1]), y=np.arange(columns, dtype=np.int32)[None])
        confidence = mb.mul(
            x=mb.expand_dims(x=found.scores, axes=[1]), y=mb.cast(x=own, dtype="fp32"), name="raw_confidence"
        )
        pixels = np.array([[*size, *size]], np.float32)
        return [confidence, mb.real_div(x=found.centres, y=pixels, name="raw_coordinates")]

    return program(body, [boxes, scores], generation)


def program(body: Callable[[Any, Any], list[Any]], shapes: list[Shape], generation: int) -> Any:
    """The specification of a program of float32 that `body` writes, with inputs of these shapes."""
    coremltools, mb = load_coremltools(), builder()
    target = deployment_target(coremltools, generation)
    written = mb.program(input_specs=[mb.TensorSpec(shape=shape) for shape in shapes], opset_version=target)(body)
    with quiet(), tempfile.TemporaryDirectory() as folder:
        model = coremltools.convert(
            written,
            convert_to="mlprogram",
            compute_precision=coremltools.precision.FLOAT32,
            minimum_deployment_target=target,
            skip_model_load=True,
        )
        path = Path(folder) / "tail.mlpackage"
        save(model, path)
        spec = coremltools.utils.load_spec(str(path))
        inline(spec, path / "Data" / "com.apple.CoreML" / "weights")
    return spec


def _results(found: Any, kept: Any, asked: int, most: int) -> list[Any]:
    mb = builder()
    best, order = mb.topk(x=kept, k=most, axis=0)
    real = mb.greater(x=best, y=np.float32(0.5))
    corners, scores, kinds = (
        mb.gather(x=value, indices=order, axis=0) for value in (found.corners, found.scores, found.classes)
    )
    of_box = mb.expand_dims(x=real, axes=[1])
    whole = mb.cast(x=real, dtype="int32")
    values = [
        mb.select(cond=of_box, a=corners, b=np.zeros((most, 4), np.float32)),
        mb.select(cond=real, a=scores, b=np.zeros(most, np.float32)),
        mb.mul(x=kinds, y=whole),
    ]
    kinds_of = {"boxes": np.float32, "scores": np.float32, "classes": np.int32}
    padded = [
        _padded(value, np.zeros((asked - most, *value.shape[1:]), kind), name)
        for value, (name, kind) in zip(values, kinds_of.items(), strict=True)
    ]
    return [*padded, mb.reduce_sum(x=whole, axes=[0], keep_dims=True, name="count")]


def _padded(value: Any, zeros: NDArray[Any], name: str) -> Any:
    """Results and zeros behind them, with the batch."""
    mb = builder()
    if len(zeros):
        value = mb.concat(values=[value, zeros], axis=0)
    return mb.expand_dims(x=value, axes=[0], name=name)
