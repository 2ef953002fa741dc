"""Writes into a flatbuffer which dimensions of its inputs and outputs are open."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from exporter.data.facts.source import InputSpec
from exporter.formats.common.trials import Trial
from exporter.formats.tflite.conversion.file import pack, parse

Shapes = Sequence[tuple[int, ...]]


def opened(content: bytes, inputs: Sequence[InputSpec], layout: str, trials: Sequence[Trial]) -> bytes:
    """`content` with -1 in the shape signature for each dimension in which trials differ (schema of TFLite).

    The shape beside it, which an app has that resizes nothing, is the first trial's.

    Args:
        content: a flatbuffer with inputs and outputs in the source's order.
        inputs: of the source.
        layout: of image inputs and of outputs of four dimensions, ``NHWC`` or ``NCHW``.
        trials: the first has the shapes with which the source was traced.
    """
    if len(trials) == 1:
        return content
    model = parse(content)
    graph = model.subgraphs[0]
    images = [spec.image is not None for spec in inputs]
    for place, index in enumerate(graph.inputs):
        shapes = [_moved(trial.sample[place].shape, images[place] and layout == "NHWC") for trial in trials]
        _open(graph.tensors[index], shapes)
    for place, index in enumerate(graph.outputs):
        shapes = [_moved(trial.expected[place].shape, layout == "NHWC") for trial in trials]
        _open(graph.tensors[index], shapes)
    return pack(model)


def _moved(shape: tuple[int, ...], last: bool) -> tuple[int, ...]:
    return (shape[0], *shape[2:], shape[1]) if last and len(shape) == 4 else shape


def _open(tensor: Any, shapes: Shapes) -> None:
    """Open the dimensions in which `shapes` differ; those of another number of dimensions tell nothing."""
    if len({len(shape) for shape in shapes}) > 1:
        return
    signature = [lengths[0] if len(set(lengths)) == 1 else -1 for lengths in zip(*shapes, strict=True)]
    tensor.shape = np.array(shapes[0], np.int32)
    tensor.shapeSignature = np.array(signature, np.int32) if -1 in signature else None
